// Config + environment -> the parts that every front door works with. connection.cc alone names
// concrete classes.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/environment.h"
#include "base/log.h"
#include "check/check.h"
#include "config/config.h"
#include "connection/setup_questions.h"
#include "destinations/destination.h"
#include "http/watched_transport.h"
#include "redshift/session.h"
#include "redshift/session_watch.h"
#include "sync/chosen_streams.h"
#include "sync/run.h"

namespace sluice::connection {

// Who is told of all that is sent and answered. REQUIRES: it outlives the connection, and all of it
// is thread-safe.
struct Onlookers {
  redshift::SessionWatch* session = nullptr;
  http::WatchedTransport::Watch exchange;  // of AWS
};

// Everything between the configuration and the services. Made without contacting anybody.
// Thread-safe. REQUIRES: config, clock and log outlive it.
class Connection {
 public:
  // Throws kInvalidConfig, naming the field, for what only all fields together tell: a host that
  // cannot be taken apart, a region that nothing tells, a CA file that cannot be read.
  Connection(const config::Config& config, const base::Environment& environment,
             const base::Clock& clock, base::Logger& log, Onlookers onlookers = {});
  ~Connection();

  std::unique_ptr<redshift::Session> Login(const base::Call& call);
  // The streams of the configuration, with those that its patterns stand for now; asks the
  // workgroup in one statement if there are patterns. The session is kept for LoginAgain, which
  // RunParts log in by. Errors: of the log-in and the catalog, and those of Choose and
  // RequireStreams (chosen_streams.h).
  sync::ChosenStreams ChooseStreams(const base::Call& call);
  // The session that ChooseStreams kept, once; else a new one.
  std::unique_ptr<redshift::Session> LoginAgain(const base::Call& call);
  std::unique_ptr<destinations::Destination> OpenDestination();

  sync::RunOptions RunOptions() const;
  // REQUIRES: this, destination and observer outlive it.
  sync::RunParts RunParts(destinations::Destination& destination, sync::Observer& observer);

  // The staging bucket, with everything this connection may do there.
  aws::ObjectStore& Store();

  check::CheckOptions CheckOptions() const;
  check::CheckParts CheckParts(std::function<void(const check::Finding&)> on_finding);

  // REQUIRES: this outlives what it returns.
  connection::SetupQuestions SetupQuestions();
  const std::string& WorkgroupRegion() const;  // of the workgroup

  // "s3://acme-sluice-staging/sluice/acme/": everything this connection ever writes.
  std::string StagingRoot() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// To the web, and no service of AWS: AWS's variables do not count. REQUIRES: `clock` outlives it.
std::unique_ptr<http::Transport> MakeTransport(const base::Clock& clock);

std::filesystem::path LedgerOf(const config::Config& config);
// Those that are written down; chosen_streams.h tells of the others.
std::vector<model::Stream> StreamsOf(const config::Config& config);

}  // namespace sluice::connection
