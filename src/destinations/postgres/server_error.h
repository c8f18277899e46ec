// PostgreSQL's failures as ours: two pure tables, SQLSTATE -> error for statements, libpq's text ->
// error for log-ins (which have no SQLSTATE). Any thread. A new remedy is a new row there and one
// in the test. The server's own text is passed on, as the cause, only for the classes that never
// quote a row's value or a statement; its DETAIL never.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "pq/result.h"

namespace sluice::destinations::postgres {

// What errors and remedies are filled in with. Empty fields become a <placeholder>.
struct ServerContext {
  std::string operation;  // of the error: "load", "commit"
  std::string subject;    // "table sales.orders"
  std::string user;
  std::string host;
  int port = 0;
  std::string database;
  std::string schema;
  std::string table;
};

base::ErrorInfo StatementFailure(const pq::ServerMessage& failure, const ServerContext& context);
// `text` is libpq's; `timed_out` as ConnectResult has it.
base::ErrorInfo LoginFailure(std::string_view text, bool timed_out, const ServerContext& context);

}  // namespace sluice::destinations::postgres
