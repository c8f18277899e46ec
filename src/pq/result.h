// A reply's rows, and what the server says beside them. Plain readers over PGresult.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pq/handles.h"

namespace sluice::pq {

// An error or a notice, as the server wrote it. It may quote values of rows and pieces of the
// statement: never log it; the caller turns it into an error of its own.
struct ServerMessage {
  std::string severity;  // "ERROR", "INFO"
  std::string sqlstate;  // empty for failures that libpq reports itself
  std::string message;
  std::string detail;
  std::string hint;
  // What it concerns, where the server says so.
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
};

ServerMessage ReadMessage(const PGresult* result);

// Move-only. Row and column count from 0. REQUIRES: indexes within range.
class Result {
 public:
  explicit Result(ResultHandle handle) : handle_(std::move(handle)) {}

  ExecStatusType status() const { return PQresultStatus(handle_.get()); }
  bool failed() const;
  // "SELECT 3", "COMMIT", "ROLLBACK", "UNLOAD".
  std::string_view tag() const { return PQcmdStatus(handle_.get()); }
  int rows() const { return PQntuples(handle_.get()); }
  int columns() const { return PQnfields(handle_.get()); }
  std::string_view name(int column) const { return PQfname(handle_.get(), column); }
  std::uint32_t type_oid(int column) const { return PQftype(handle_.get(), column); }
  int type_modifier(int column) const { return PQfmod(handle_.get(), column); }
  // The text of a field, which may hold any byte; nullopt is NULL. Borrowed from this Result.
  std::optional<std::string_view> value(int row, int column) const;
  ServerMessage message() const { return ReadMessage(handle_.get()); }

 private:
  ResultHandle handle_;
};

}  // namespace sluice::pq
