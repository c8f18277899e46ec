// One session in the PostgreSQL database: pq's connection with our settings and our errors.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "destinations/postgres/postgres_destination.h"
#include "destinations/postgres/server_error.h"
#include "model/types.h"
#include "pq/connection.h"
#include "pq/copy_in.h"

namespace sluice::destinations::postgres {

// What is done to what, for errors.
struct Task {
  std::string operation;   // "load", "commit"
  std::string subject;     // "table sales.orders", "PostgreSQL database acme at db.example.com"
  model::TableName table;  // for remedies; may be empty
};

// Rows as text.
using Rows = std::vector<std::vector<std::optional<std::string>>>;

// Which server process: its number alone may come back for another session.
struct Backend {
  int pid = 0;
  std::string started;  // as PostgreSQL writes it
};

// Move-only. One thread at a time.
class Session {
 public:
  // Logs in within 30 s, or the deadline of `call` if that is sooner, and makes the settings that
  // the statements of this room rely on. Throws what OpenPostgres does, but for kConflict.
  static Session Connect(const PostgresOptions& options, const base::Clock& clock,
                         const base::Call& call);

  // Runs one statement, or several of which the last counts. Throws what the server says, mapped;
  // never with in_doubt, because nothing it sends commits anything that counts by itself.
  pq::Result Run(const std::string& sql, const Task& task, const base::Call& call);
  Rows Ask(const std::string& sql, const Task& task, const base::Call& call);
  // How many rows INSERT, UPDATE, DELETE touched.
  std::uint64_t Change(const std::string& sql, const Task& task, const base::Call& call);

  void Begin(const Task& task, const base::Call& call);
  // Returns when the transaction is committed for certain. Throws with in_doubt if it cannot know,
  // and without if it is not. Not to be stopped half way: it takes no Call.
  void Commit(const Task& task);
  // Whatever its outcome, the session is out of the transaction or closed.
  void Rollback() noexcept;

  // Begins a COPY ... FROM STDIN. Throws if the server refuses it.
  std::unique_ptr<pq::CopyIn> Copy(const std::string& sql, const Task& task,
                                   const base::Call& call);
  // Its end: how many rows came.
  std::uint64_t FinishCopy(pq::CopyIn& copy, const Task& task);
  // `error` of a CopyIn's Send or Finish in this room's words.
  base::Error Explain(const base::Error& error, const Task& task) const;
  // What Run would throw if the server answered so.
  base::Error Refusal(std::string sqlstate, std::string message, const Task& task) const;

  bool open() const { return connection_.open(); }
  bool in_transaction() const { return connection_.in_transaction(); }
  // False if the server has closed it meanwhile, or says something unasked.
  bool LooksAlive();
  const Backend& backend() const { return backend_; }
  void Close() noexcept { connection_.Close(); }

 private:
  Session(pq::Connection connection, ServerContext context)
      : connection_(std::move(connection)), context_(std::move(context)) {}
  void Prepare(const PostgresOptions& options, const base::Call& call);
  ServerContext ContextFor(const Task& task) const;
  [[noreturn]] void Throw(const pq::ServerMessage& failure, const Task& task) const;

  pq::Connection connection_;
  ServerContext context_;
  Backend backend_;
};

// "PostgreSQL database acme at db.example.com".
std::string NameOf(const PostgresOptions& options);

}  // namespace sluice::destinations::postgres
