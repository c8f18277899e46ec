#include "columnar/sql_text.h"

#include <algorithm>

#include "base/error.h"

namespace sluice::columnar {
namespace {

std::string Quoted(std::string_view text, char quote) {
  if (text.find('\0') != std::string_view::npos) {
    throw base::Error({.code = base::ErrorCode::kUnsupported,
                       .operation = "write SQL",
                       .subject = "a name or value",
                       .message = "it holds a zero byte, which SQL cannot express",
                       .remedy = "Rename it at the source, or leave it out of the selection."});
  }
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out += quote;
}

}  // namespace

std::string QuoteName(std::string_view name) { return Quoted(name, '"'); }

std::string QuoteText(std::string_view text) { return Quoted(text, '\''); }

std::string EscapeGlob(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[') {
      out += '[';
      out += c;
      out += ']';
    } else {
      out += c;
    }
  }
  return out;
}

std::string FoldName(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace sluice::columnar
