#include "destinations/postgres/sql_text.h"

#include <fmt/format.h>

#include "base/error.h"

namespace sluice::destinations::postgres {
namespace {

[[noreturn]] void Refuse(std::string subject, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "write SQL for PostgreSQL",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

std::string Doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

bool HasNul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

}  // namespace

std::string QuoteName(std::string_view name) {
  constexpr const char* kRename =
      "Give it another name in a query (`sql: SELECT ... AS ...`), or a stream `name`.";
  if (name.empty()) Refuse("a name", "it is empty, which PostgreSQL does not allow", kRename);
  if (HasNul(name)) {
    Refuse("name " + std::string(name.substr(0, name.find('\0'))),
           "it holds a NUL byte, which PostgreSQL does not allow", kRename);
  }
  if (name.size() > kNameBytesMax) {
    Refuse(fmt::format("name {}", name),
           fmt::format("name {} has {} bytes; PostgreSQL keeps {} and would cut it", name,
                       name.size(), kNameBytesMax),
           kRename);
  }
  return Doubled(name, '"');
}

std::string QuoteTable(const model::TableName& table) {
  return QuoteName(table.schema) + "." + QuoteName(table.table);
}

std::string QuoteText(std::string_view text) {
  if (HasNul(text)) Refuse("a text", "it holds a NUL byte, which PostgreSQL does not allow", "");
  return Doubled(text, '\'');
}

}  // namespace sluice::destinations::postgres
