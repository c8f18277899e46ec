#include "redshift/text/query_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace sluice::redshift {
namespace {

enum class Kind { kWord, kQuoted, kLiteral, kNumber, kSign };

struct Token {
  Kind kind;
  std::string_view text;
  std::size_t at;         // in the query
  std::size_t match = 0;  // of a bracket: the token of the other one
};

constexpr std::string_view kSelectOnly =
    "Write one SELECT statement, which may begin with WITH. It must change nothing.";
constexpr std::string_view kOneOnly =
    "Write one SELECT statement: nothing may follow it but a semicolon and a comment.";
constexpr std::string_view kBrackets = "Make each bracket match another one.";
constexpr std::string_view kOneCondition =
    "Write one condition, as it would stand behind WHERE: where: \"status <> 'draft'\"";

// Words that begin a statement: these alone are repeated in a message, because what else stands
// there may be anything, a secret included.
constexpr std::array<std::string_view, 38> kVerbs = {
    "ABORT",   "ALTER",    "ANALYZE", "ATTACH",  "BEGIN",      "CALL",     "CANCEL", "CLOSE",
    "COMMENT", "COMMIT",   "COPY",    "CREATE",  "DEALLOCATE", "DECLARE",  "DELETE", "DETACH",
    "DROP",    "END",      "EXECUTE", "EXPLAIN", "FETCH",      "GRANT",    "INSERT", "LOCK",
    "MERGE",   "PREPARE",  "REFRESH", "RESET",   "REVOKE",     "ROLLBACK", "SET",    "SHOW",
    "START",   "TRUNCATE", "UNLOAD",  "UPDATE",  "VACUUM",     "VALUES"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool StartsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '#' ||
         (static_cast<unsigned char>(c) & 0x80U) != 0;
}
bool IsInWord(char c) { return StartsWord(c) || IsDigit(c) || c == '$'; }
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return upper;
}

// What is wrong at a place; the reader's only way out.
struct Refused {
  std::size_t at;
  std::string problem;
  std::string_view remedy;
};

// The query as tokens, and its text without comments.
class Reader {
 public:
  explicit Reader(std::string_view sql) : sql_(sql) {}

  void Read() {
    while (at_ < sql_.size()) Next();
  }
  std::vector<Token>& tokens() { return tokens_; }
  std::string& bare() { return bare_; }
  // Where a token begins in the bare text.
  std::size_t bare_at(std::size_t token) const { return bare_at_[token]; }

 private:
  void Next() {
    const char c = sql_[at_];
    const std::string_view rest = sql_.substr(at_);
    if (rest.starts_with("--")) return LineComment();
    if (rest.starts_with("/*")) return BlockComment();
    if (IsBlank(c)) {
      bare_ += c;
      ++at_;
      return;
    }
    if (c == '\'') return Take(Kind::kLiteral, EndOfLiteral());
    if (c == '"') return Take(Kind::kQuoted, EndOfName());
    if (c == '$') return Dollar();
    if (StartsWord(c)) return Take(Kind::kWord, EndOf(IsInWord));
    if (IsDigit(c)) {
      return Take(Kind::kNumber, EndOf([](char d) { return IsDigit(d) || d == '.'; }));
    }
    Take(Kind::kSign, at_ + 1);
  }

  void Take(Kind kind, std::size_t end) {
    const std::string_view text = sql_.substr(at_, end - at_);
    tokens_.push_back({.kind = kind, .text = text, .at = at_});
    bare_at_.push_back(bare_.size());
    bare_ += text;
    at_ = end;
  }

  template <typename Belongs>
  std::size_t EndOf(Belongs belongs) const {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && belongs(sql_[end])) ++end;
    return end;
  }

  // A backslash escapes in every literal, with a letter before it or not.
  std::size_t EndOfLiteral() const {
    for (std::size_t end = at_ + 1; end < sql_.size(); ++end) {
      if (sql_[end] == '\\') {
        ++end;
      } else if (sql_[end] == '\'') {
        return end + 1;  // two of them are two literals side by side: the same text
      }
    }
    throw Refused{at_, "has a literal that is not closed",
                  "Close it with a single quote. Within it, a quote is '' and a backslash \\\\."};
  }

  std::size_t EndOfName() const {
    for (std::size_t end = at_ + 1; end < sql_.size(); ++end) {
      if (sql_[end] != '"') continue;
      if (end + 1 >= sql_.size() || sql_[end + 1] != '"') return end + 1;
      ++end;
    }
    throw Refused{at_, "has a name in double quotes that is not closed",
                  "Close it with a double quote. Within it, a double quote is \"\"."};
  }

  // $tag$ ... $tag$, or $1.
  void Dollar() {
    std::size_t end = at_ + 1;
    if (end < sql_.size() && IsDigit(sql_[end])) {
      throw Refused{at_, "has a parameter, for which there is no value",
                    "Write the value itself into the query."};
    }
    while (end < sql_.size() && sql_[end] != '$' && sql_[end] != '#' && IsInWord(sql_[end])) ++end;
    if (end >= sql_.size() || sql_[end] != '$') return Take(Kind::kSign, at_ + 1);
    const std::string_view mark = sql_.substr(at_, end + 1 - at_);
    const auto close = sql_.find(mark, end + 1);
    if (close == std::string_view::npos) {
      throw Refused{at_, "has a literal between dollar signs that is not closed",
                    "Close it as it was opened."};
    }
    Take(Kind::kLiteral, close + mark.size());
  }

  // Its line break stays, because literals on two lines are one literal.
  void LineComment() {
    while (at_ < sql_.size() && sql_[at_] != '\n' && sql_[at_] != '\r') ++at_;
  }

  // They nest.
  void BlockComment() {
    const std::size_t begin = at_;
    int depth = 0;
    do {
      const std::string_view rest = sql_.substr(at_);
      const bool opens = rest.starts_with("/*");
      const bool closes = rest.starts_with("*/");
      if (opens) ++depth;
      if (closes) --depth;
      at_ += opens || closes ? 2 : 1;
      if (at_ >= sql_.size() && depth > 0) {
        throw Refused{begin, "has a comment that is not closed", "Close it with */."};
      }
    } while (depth > 0);
    bare_ += ' ';
  }

  const std::string_view sql_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
  std::vector<std::size_t> bare_at_;
  std::string bare_;
};

// Whether the tokens are one SELECT.
class Judge {
 public:
  Judge(std::string_view sql, std::vector<Token>& tokens) : sql_(sql), tokens_(tokens) {}

  // Returns how many tokens are the query's own: semicolons may follow.
  std::size_t Run() {
    const std::size_t end = FirstSemicolon();
    MatchBrackets();
    for (std::size_t i = end; i < tokens_.size(); ++i) {
      if (IsSign(i, ";")) continue;
      throw Refused{tokens_[i].at, "holds a second statement" + Named(i, ", which begins with "),
                    kOneOnly};
    }
    if (end == 0) throw Refused{0, "is empty", kSelectOnly};
    Query(0, end, false);
    return end;
  }

  // The same of a condition, behind which nothing may stand.
  void RunCondition() {
    MatchBrackets();
    const std::size_t semicolon = FirstSemicolon();
    if (semicolon + 1 < tokens_.size()) {
      throw Refused{tokens_[semicolon + 1].at,
                    "holds a second statement" + Named(semicolon + 1, ", which begins with "),
                    kOneCondition};
    }
    if (semicolon < tokens_.size()) {
      throw Refused{tokens_[semicolon].at, "holds a semicolon", kOneCondition};
    }
    if (tokens_.empty()) throw Refused{0, "is empty", kOneCondition};
    if (IsWord(0, "WHERE")) {
      throw Refused{tokens_[0].at, "begins with the word WHERE", "Leave out the word WHERE."};
    }
    if (IsOneOf(0, {"SELECT", "WITH"})) {
      throw Refused{tokens_[0].at, "is no condition but begins with" + Named(0, " "),
                    kOneCondition};
    }
    Expression();
  }

 private:
  bool IsSign(std::size_t i, std::string_view sign) const {
    return i < tokens_.size() && tokens_[i].kind == Kind::kSign && tokens_[i].text == sign;
  }
  bool IsWord(std::size_t i, std::string_view word) const {
    return i < tokens_.size() && tokens_[i].kind == Kind::kWord && Upper(tokens_[i].text) == word;
  }
  bool IsOneOf(std::size_t i, std::initializer_list<std::string_view> words) const {
    return std::any_of(words.begin(), words.end(), [&](auto word) { return IsWord(i, word); });
  }
  // `before` and the word, if it is a known one.
  std::string Named(std::size_t i, std::string_view before) const {
    if (i >= tokens_.size() || tokens_[i].kind != Kind::kWord) return {};
    const std::string word = Upper(tokens_[i].text);
    const bool known = word == "SELECT" || word == "WITH" ||
                       std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end();
    return known ? std::string(before) + word : std::string();
  }
  std::size_t At(std::size_t i) const { return i < tokens_.size() ? tokens_[i].at : sql_.size(); }

  std::size_t FirstSemicolon() const {
    std::size_t i = 0;
    while (i < tokens_.size() && !IsSign(i, ";")) ++i;
    return i;
  }

  void MatchBrackets() {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (IsSign(i, ";") && !open.empty()) Unclosed(open.back());
      if (IsSign(i, "(") || IsSign(i, "[")) open.push_back(i);
      if (!IsSign(i, ")") && !IsSign(i, "]")) continue;
      const std::string_view other = tokens_[i].text == ")" ? "(" : "[";
      if (open.empty() || tokens_[open.back()].text != other) {
        throw Refused{tokens_[i].at, "has a closing bracket to which no opening one belongs",
                      kBrackets};
      }
      tokens_[i].match = open.back();
      tokens_[open.back()].match = i;
      open.pop_back();
    }
    if (!open.empty()) Unclosed(open.back());
  }

  [[noreturn]] void Unclosed(std::size_t i) const {
    throw Refused{tokens_[i].at, "has a bracket that is not closed", kBrackets};
  }

  // The tokens from `i` to before `end` are a SELECT, one with WITH, or one in brackets.
  void Query(std::size_t i, std::size_t end, bool in_with) const {
    if (i < end && IsWord(i, "WITH")) i = CommonTables(i + 1, end);
    if (i < end && IsWord(i, "SELECT")) return Rest(i + 1, end);
    if (i >= end || !IsSign(i, "(")) {
      if (in_with) {
        throw Refused{At(i), "holds a WITH that is no SELECT" + Named(i, " but "), kSelectOnly};
      }
      throw Refused{At(i), "does not begin with SELECT or WITH" + Named(i, " but with "),
                    kSelectOnly};
    }
    const std::size_t close = tokens_[i].match;
    Query(i + 1, close, in_with);
    if (close + 1 >= end) return;
    if (!IsOneOf(close + 1,
                 {"UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", "OFFSET", "FETCH"})) {
      throw Refused{At(close + 1), "goes on behind its SELECT in brackets", kOneOnly};
    }
    Rest(close + 1, end);
  }

  // What stands between WITH and the statement that it belongs to; returns where that begins.
  std::size_t CommonTables(std::size_t i, std::size_t end) const {
    if (IsWord(i, "RECURSIVE")) ++i;
    for (;;) {
      ++i;  // its name
      if (IsSign(i, "(")) i = tokens_[i].match + 1;
      if (!IsWord(i, "AS")) break;
      ++i;
      if (IsWord(i, "NOT")) ++i;
      if (IsWord(i, "MATERIALIZED")) ++i;
      if (!IsSign(i, "(")) break;
      Query(i + 1, tokens_[i].match, true);
      i = tokens_[i].match + 1;
      if (i >= end || !IsSign(i, ",")) return i;
      ++i;
    }
    throw Refused{At(std::min(i, end)), "has a WITH that cannot be read",
                  "Write it as WITH name AS (SELECT ...)."};
  }

  // No clause goes on behind it, and it is no list. What stands in brackets is the server's to
  // judge: it cannot leave them, and makes no table.
  void Expression() const {
    static constexpr std::array<std::string_view, 13> kClauses = {
        "FROM",  "WHERE",     "GROUP",  "HAVING", "ORDER",  "LIMIT",  "OFFSET",
        "UNION", "INTERSECT", "EXCEPT", "MINUS",  "SELECT", "QUALIFY"};
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const bool name = i > 0 && IsSign(i - 1, ".");
      const auto clause = std::find_if(kClauses.begin(), kClauses.end(),
                                       [&](auto word) { return IsWord(i, word); });
      // IS [NOT] DISTINCT FROM is a comparison.
      const bool compares = IsWord(i, "FROM") && i > 0 && IsWord(i - 1, "DISTINCT");
      if (clause != kClauses.end() && !name && !compares) {
        throw Refused{tokens_[i].at, "goes on with " + std::string(*clause), kOneCondition};
      }
      if (IsSign(i, ",")) {
        throw Refused{tokens_[i].at, "is a list", "Join conditions with AND or OR."};
      }
      if (!IsSign(i, "(") && !IsSign(i, "[")) continue;
      Rest(i, tokens_[i].match + 1);
      i = tokens_[i].match;
    }
  }

  // A column or alias may have any word for its name, behind a dot or AS.
  void Rest(std::size_t i, std::size_t end) const {
    for (; i < end; ++i) {
      if (IsWord(i, "INTO") && !IsSign(i - 1, ".") && !IsWord(i - 1, "AS")) {
        throw Refused{tokens_[i].at, "makes a table: SELECT ... INTO", kSelectOnly};
      }
      if (!IsSign(i, "(") || !IsWord(i + 1, "WITH")) continue;
      Query(i + 1, tokens_[i].match, true);
      i = tokens_[i].match;
    }
  }

  const std::string_view sql_;
  std::vector<Token>& tokens_;
};

// Where text stops being UTF-8 without NUL. Longer checks are quoting.h's: here it must only be
// certain that a byte of a character is not taken for a sign.
std::size_t FirstBroken(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || lead == 0 || i + length > text.size()) return i;
    for (std::size_t n = 1; n < length; ++n) {
      if ((static_cast<unsigned char>(text[i + n]) & 0xc0U) != 0x80U) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

void RefuseBroken(std::string_view sql) {
  const auto broken = FirstBroken(sql);
  if (broken == std::string_view::npos) return;
  throw Refused{broken, "holds a NUL or bytes that are no UTF-8",
                "Save the configuration as UTF-8 and remove control characters."};
}

QueryProblem Placed(std::string_view sql, const Refused& refused) {
  QueryProblem problem{
      .line = 1, .column = 1, .problem = refused.problem, .remedy = std::string(refused.remedy)};
  for (const char c : sql.substr(0, refused.at)) {
    if (c == '\n') {
      ++problem.line;
      problem.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) {
      ++problem.column;
    }
  }
  return problem;
}

std::string Trimmed(std::string text) {
  while (!text.empty() && IsBlank(text.back())) text.pop_back();
  const auto first = std::find_if_not(text.begin(), text.end(), IsBlank);
  text.erase(text.begin(), first);
  return text;
}

}  // namespace

std::variant<std::string, QueryProblem> ReadQuery(std::string_view sql) {
  try {
    RefuseBroken(sql);
    Reader reader(sql);
    reader.Read();
    const std::size_t end = Judge(sql, reader.tokens()).Run();
    std::string bare = std::move(reader.bare());
    if (end < reader.tokens().size()) bare.resize(reader.bare_at(end));
    return Trimmed(std::move(bare));
  } catch (const Refused& refused) {
    return Placed(sql, refused);
  }
}

std::variant<std::string, QueryProblem> ReadCondition(std::string_view sql) {
  try {
    RefuseBroken(sql);
    Reader reader(sql);
    reader.Read();
    Judge(sql, reader.tokens()).RunCondition();
    return Trimmed(std::move(reader.bare()));
  } catch (const Refused& refused) {
    return Placed(sql, refused);
  }
}

}  // namespace sluice::redshift
