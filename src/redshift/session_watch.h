// Who is told of what a session sends and gets: what counts costs, and what writes a report.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "redshift/session.h"

namespace sluice::redshift {

// A statement that is over. What it refers to lives as long as the call.
struct StatementSeen {
  // May hold keys, names and values: whoever shows something of it masks them.
  std::string_view sql;
  base::UtcTime began;
  std::chrono::nanoseconds duration{0};
  std::vector<ResultColumn> columns;
  std::size_t rows = 0;
  std::string_view tag;  // "SELECT", "UNLOAD"; empty if it failed
  std::string notices;   // a line each
  std::string version;   // what SELECT version() answered; empty for any other
  // Empty: it did not fail, or the connection did ("connection").
  std::string_view sqlstate;
  std::string_view message;
  std::string_view detail;
};

// Thread-safe; must not throw.
class SessionWatch {
 public:
  virtual ~SessionWatch() = default;
  virtual void OnStatementBegan() {}
  virtual void OnStatementEnded(const StatementSeen&) {}
  // A transaction is open, or no longer. Told before the end of the statement that did it.
  virtual void OnTransaction(bool) {}
  // What the server told at log-in: "server_version".
  virtual void OnParameter(std::string_view, std::string_view) {}
};

}  // namespace sluice::redshift
