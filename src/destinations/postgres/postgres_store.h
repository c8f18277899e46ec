// The PostgreSQL destination and its sessions; OpenPostgres (postgres_destination.h) makes it.
//
// Two advisory locks keep processes apart. The holder's is exclusive, of one session that lives
// until Close: who has it is the one process that loads. Every session that loads has the loads'
// one, shared; whoever becomes holder waits until nobody has that any more, so that no session of a
// dead process can still commit.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "columnar/database.h"
#include "columnar/engine_share.h"
#include "destinations/guarded_load/claims.h"
#include "destinations/postgres/postgres_destination.h"
#include "destinations/postgres/session.h"
#include "destinations/postgres/table_names.h"

namespace sluice::destinations::postgres {

class PostgresStore final : public Destination {
 public:
  PostgresStore(const PostgresOptions& options, const base::Clock& clock, base::Logger& log);
  PostgresStore(const PostgresStore&) = delete;
  PostgresStore& operator=(const PostgresStore&) = delete;
  ~PostgresStore() override;

  Capabilities Describe() const override;
  std::string Name() const override;
  std::optional<Committed> ReadCommitted(std::string_view stream, const base::Call& call) override;
  void Forget(std::string_view stream, const base::Call& call) override;
  std::unique_ptr<Load> Begin(const model::StreamTarget& target, const base::Call& call) override;
  model::Landing Examine(const model::StreamTarget& target, const base::Call& call) override;
  void Probe(const base::Call& call) override;
  void Close() override;

  // For loads; thread-safe, all of them.
  const PostgresOptions& options() const { return options_; }
  const base::Clock& clock() const { return clock_; }
  base::Logger& log() const { return log_; }
  columnar::Connection Decoder() { return decoder_.Connect(); }
  // Before a look at rows that may be wide.
  void BeginLook() { decoder_.Share(options_.memory_limit_mb, 1); }
  // Whether rows must be handed out in slices; DuckDB is run for it then. Throws as ShareForSlices.
  bool OnWidth(const columnar::Width& width, const std::string& subject);
  // Held by a load of such rows while they move: one at a time.
  std::mutex& wide_mu() { return wide_mu_; }
  // A session that nobody else uses, logged in if none is idle.
  Session Take(const base::Call& call);
  // Takes it back: kept for the next one if it is in order.
  void Give(Session session);
  // The session broke while it did something: what is left of it at the server must end before
  // anybody looks what became of it.
  void OnLost(const Backend& backend);
  void OnCommitted() { committed_ = true; }
  // Tables that a load could not drop; Close does.
  void Leave(const OwnTables& own);

 private:
  void Acquire(const base::Call& call);
  // Locks `mu_control_`; logs in and takes the lock again if the session was lost.
  template <typename Body>
  auto WithControl(const base::Call& call, const Body& body);
  void EnsureControl(const base::Call& call);
  void EndLost(const base::Call& call);
  void MakeSchemas(const model::TableName& table, const base::Call& call);
  void DropWhatWeMade(Session& session);
  // Runs `body` with the control session in a transaction that is undone.
  template <typename Body>
  void Try(const Task& task, const base::Call& call, const Body& body);
  Task TaskOn(std::string operation) const { return {std::move(operation), Name(), {}}; }

  const PostgresOptions options_;
  const base::Clock& clock_;
  base::Logger& log_;
  guarded_load::Claims claims_;
  columnar::Database decoder_;
  std::mutex wide_mu_;
  std::atomic<bool> committed_ = false;

  std::mutex mu_control_;  // guards the next two
  std::optional<Session> control_;
  bool closed_ = false;

  std::mutex mu_;  // guards all below; may be taken while mu_control_ is held
  std::vector<Session> idle_;
  std::vector<Backend> lost_;
  std::vector<OwnTables> left_;
  bool state_known_ = false;
  bool state_made_ = false;
  std::set<std::string> schemas_known_;
  std::set<std::string> schemas_made_;
};

}  // namespace sluice::destinations::postgres
