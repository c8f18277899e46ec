// The preflight: proves every step of the set-up guide, and says which one was not done right, with
// the text that fixes it. It leaves nothing in the bucket and changes nothing at the destination.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/redshift_serverless.h"
#include "aws/s3/object_store.h"
#include "aws/session_keys.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "check/finding.h"
#include "destinations/destination.h"
#include "model/stream.h"
#include "pq/probe.h"
#include "redshift/endpoint.h"
#include "redshift/session.h"
#include "redshift/unload_statement.h"
#include "sync/chosen_streams.h"
#include "sync/run.h"

namespace sluice::check {

// A half of the set-up, for whoever has not the other yet.
enum class Only {
  kAll,
  kSource,       // without the destination and this machine; streams are not missed
  kDestination,  // with this machine; nobody of AWS is asked
};

// What the configuration says.
struct CheckOptions {
  Only only = Only::kAll;
  std::string connection;
  std::string workgroup;
  redshift::Endpoint endpoint;
  int port = redshift::kDefaultPort;
  std::string database;
  std::string submitted_user;  // may be empty
  std::string region;          // of the workgroup
  std::string bucket;
  std::string bucket_region;
  std::string root;                    // ends in '/'
  std::optional<std::string> kms_key;  // as redshift::UnloadOptions
  std::vector<model::Stream> streams;  // without those of patterns
  bool has_patterns = false;
  std::vector<std::string> schemas_of_patterns;  // those that they name without a sign
  // What a sync of them would be given.
  sync::RunOptions sync;
  // Somebody has just written the configuration: that it has no streams yet is no failure.
  bool streams_to_come = false;
  // How the identity comes about; empty where it does not apply.
  std::string role_arn;
  std::chrono::seconds role_duration{0};
  std::string tag_db_user;   // session tag RedshiftDbUser
  std::string tag_db_roles;  // session tag RedshiftDbRoles: "a:b"
  // The older call, GetClusterCredentials, which logs in as submitted_user.
  bool by_cluster_credentials = false;
  std::string roots_file;  // certificates trusted at log-in
};

// What it works with. REQUIRES: all outlive Run.
struct CheckParts {
  const base::Clock& clock;
  aws::ObjectStore& store;
  // As pq::Probe; called on a thread of its own while AWS is asked.
  std::function<pq::ProbeResult(const base::Call&)> probe_network;
  // For diagnostics after a failure, because it is a right of its own that nobody needs. May be
  // null; what it throws is not told.
  std::function<aws::Workgroup(const base::Call&)> describe_workgroup;
  std::function<aws::CallerIdentity(const base::Call&)> who_am_i;
  // What gave the keys, for people; asked after who_am_i.
  std::function<std::string()> describe_keys;
  std::function<aws::DbCredentials(const base::Call&)> get_credentials;
  // Logs in with those credentials.
  std::function<std::unique_ptr<redshift::Session>(const aws::DbCredentials&, const base::Call&)>
      login;
  // The streams with those of patterns, as a sync would choose them now. Called if there are any.
  std::function<sync::ChosenStreams(redshift::Session&, const base::Call&)> choose_streams;
  // As sync::RunParts.
  std::function<redshift::UnloadAuth(const std::string& prefix, std::chrono::seconds life_min,
                                     const base::Call&)>
      unload_auth;
  // After it: whether the keys it gave can do no more than write this run's prefix, or more was
  // allowed by the configuration. Empty: they can do no more.
  std::function<bool()> unload_keys_narrowed;
  // Opens the destination; closed before the next step.
  std::function<std::unique_ptr<destinations::Destination>()> open_destination;
  // Told each finding as it is made, on the calling thread.
  std::function<void(const Finding&)> on_finding;
};

struct Findings {
  std::vector<Finding> findings;
  std::chrono::milliseconds duration{0};
  bool interrupted = false;
  std::size_t Count(Severity severity) const;
};

// Goes on past a failure wherever a later step still makes sense; the others are kSkipped. Does not
// throw for what a step meets: that is a finding.
Findings Run(const CheckOptions& options, const CheckParts& parts, std::stop_token stop);

}  // namespace sluice::check
