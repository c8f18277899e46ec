#include "pq/result.h"

namespace sluice::pq {
namespace {
std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}
}  // namespace

ServerMessage ReadMessage(const PGresult* result) {
  ServerMessage message{.severity = Field(result, PG_DIAG_SEVERITY),
                        .sqlstate = Field(result, PG_DIAG_SQLSTATE),
                        .message = Field(result, PG_DIAG_MESSAGE_PRIMARY),
                        .detail = Field(result, PG_DIAG_MESSAGE_DETAIL),
                        .hint = Field(result, PG_DIAG_MESSAGE_HINT),
                        .schema = Field(result, PG_DIAG_SCHEMA_NAME),
                        .table = Field(result, PG_DIAG_TABLE_NAME),
                        .column = Field(result, PG_DIAG_COLUMN_NAME),
                        .constraint = Field(result, PG_DIAG_CONSTRAINT_NAME)};
  // Failures that libpq reports itself have no fields, only a text.
  if (message.message.empty()) message.message = PQresultErrorMessage(result);
  return message;
}

bool Result::failed() const {
  switch (status()) {
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR: return true;
    default: return false;
  }
}

std::optional<std::string_view> Result::value(int row, int column) const {
  if (PQgetisnull(handle_.get(), row, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(handle_.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(handle_.get(), row, column)));
}

}  // namespace sluice::pq
