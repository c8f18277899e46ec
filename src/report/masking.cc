#include "report/masking.h"

#include <algorithm>

#include "base/text.h"
#include "redshift/server_text.h"
#include "report/words.h"

namespace sluice::report {
namespace {

constexpr std::string_view kHiddenMark = "…";
constexpr std::size_t kStatementDigitsMax = 2;
constexpr std::size_t kMessageDigitsMax = 3;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// Bytes above 127 are letters of somebody's.
bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || IsDigit(c) ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}

std::size_t EndOfWord(std::string_view text, std::size_t at) {
  while (at < text.size() && IsWord(text[at])) ++at;
  return at;
}

bool IsNumber(std::string_view word) { return std::all_of(word.begin(), word.end(), IsDigit); }

// Behind the closing quote; a doubled one goes on. `escapes`: a backslash takes the next character.
std::size_t EndOfQuoted(std::string_view text, std::size_t at, char quote, bool escapes) {
  for (++at; at < text.size(); ++at) {
    if (escapes && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (at + 1 < text.size() && text[at + 1] == quote) {
        ++at;
      } else {
        return at + 1;
      }
    }
  }
  return text.size();
}

// Behind a comment that begins at `at`; `at` itself if none does.
std::size_t EndOfComment(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("--")) return std::min(text.find('\n', at), text.size());
  if (!rest.starts_with("/*")) return at;
  const auto end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

class StatementReader {
 public:
  StatementReader(std::string_view sql, Names names) : sql_(sql), names_(names) {}

  std::string Read() {
    for (std::size_t at = 0; at < sql_.size();) at = Take(at);
    return std::move(shape_);
  }
  bool anybodys() const { return anybodys_; }

 private:
  // Returns where the next piece begins.
  std::size_t Take(std::size_t at) {
    const char c = sql_[at];
    if (const auto end = EndOfComment(sql_, at); end != at) return end;
    if (c == '\'') {
      shape_ += "'";
      shape_ += kHiddenMark;
      shape_ += "'";
      return EndOfQuoted(sql_, at, c, /*escapes=*/true);
    }
    // A text in dollar quotes may hold anything, and no statement of ours has one.
    if (c == '$') {
      anybodys_ = true;
      shape_ += kHiddenMark;
      return sql_.size();
    }
    if (c == '"') return TakeQuotedName(at);
    if (IsWord(c)) return TakeWord(at);
    shape_ += c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
    return at + 1;
  }

  std::size_t TakeQuotedName(std::size_t at) {
    const auto end = EndOfQuoted(sql_, at, '"', /*escapes=*/false);
    anybodys_ = true;
    if (names_ == Names::kShown) {
      shape_ += sql_.substr(at, end - at);
    } else {
      shape_ += '"';
      shape_ += kHiddenMark;
      shape_ += '"';
    }
    return end;
  }

  std::size_t TakeWord(std::size_t at) {
    const auto end = EndOfWord(sql_, at);
    const std::string_view word = sql_.substr(at, end - at);
    if (IsNumber(word)) {
      shape_ += word.size() <= kStatementDigitsMax ? word : std::string_view("0");
    } else if (IsKnownInStatements(word)) {
      shape_ += word;
    } else {
      anybodys_ = true;
      shape_ += names_ == Names::kShown ? word : kHiddenMark;
    }
    return end;
  }

  const std::string_view sql_;
  const Names names_;
  std::string shape_;
  bool anybodys_ = false;
};

// Several that stand together say no more than one.
void AddMark(std::string& text) {
  if (!text.ends_with(kHiddenMark)) text += kHiddenMark;
}

}  // namespace

std::string StatementShape(std::string_view sql, Names names) {
  return StatementReader(sql, names).Read();
}

bool IsOfCatalogAlone(std::string_view sql) {
  StatementReader reader(sql, Names::kHidden);
  reader.Read();
  return !reader.anybodys();
}

std::string MessageShape(std::string_view text, Names names) {
  if (names == Names::kShown) return redshift::Mask(text);
  std::string shape;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'' || c == '`') {
      // An apostrophe within a sentence ends with it, too: better too little than too much.
      AddMark(shape);
      at = EndOfQuoted(text, at, c, /*escapes=*/false);
    } else if (IsWord(c)) {
      const auto end = EndOfWord(text, at);
      const std::string_view word = text.substr(at, end - at);
      const bool known =
          IsNumber(word) ? word.size() <= kMessageDigitsMax : IsKnownInMessages(word);
      if (known) {
        shape += word;
      } else {
        AddMark(shape);
      }
      at = end;
    } else {
      shape += c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
      ++at;
    }
  }
  return shape;
}

}  // namespace sluice::report
