// A session for the statements of destinations/sql.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "destinations/postgres/session.h"
#include "destinations/sql/runner.h"

namespace sluice::destinations::postgres {

class PgRunner final : public sql::Runner {
 public:
  // REQUIRES: `session` and `call` outlive it.
  PgRunner(Session& session, Task task, const base::Call& call)
      : session_(session), task_(std::move(task)), call_(call) {}

  using sql::Runner::Ask;
  using sql::Runner::Change;
  // Statements have no values: PgDialect puts literals into them.
  sql::Rows Ask(const sql::Statement& statement) override {
    return session_.Ask(statement.text, task_, call_);
  }
  std::uint64_t Change(const sql::Statement& statement) override {
    return session_.Change(statement.text, task_, call_);
  }
  // In one message: each would cost a round trip to the server.
  void ChangeAll(const std::vector<sql::Statement>& statements) override {
    std::string all;
    for (const sql::Statement& statement : statements) {
      all += (all.empty() ? "" : "; ") + statement.text;
    }
    session_.Run(all, task_, call_);
  }

 private:
  Session& session_;
  const Task task_;
  const base::Call& call_;
};

}  // namespace sluice::destinations::postgres
