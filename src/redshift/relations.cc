#include "redshift/relations.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace sluice::redshift {
namespace {

struct Token {
  std::string text;  // a name without its quotes, unquoted ones in lower case; or one sign
  bool quoted = false;
  bool name = false;
};

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

class Tokens {
 public:
  explicit Tokens(std::string_view sql) : sql_(sql) {}

  std::optional<Token> Next() {
    for (;;) {
      if (at_ >= sql_.size()) return std::nullopt;
      if (SkipComment() || SkipLiteral()) continue;
      const char c = sql_[at_];
      if (c == '"') return QuotedName();
      if (IsNameByte(c)) return BareName();
      ++at_;
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return Token{.text = std::string(1, c)};
    }
  }

 private:
  bool SkipComment() {
    const std::string_view rest = sql_.substr(at_);
    const bool line = rest.starts_with("--");
    if (!line && !rest.starts_with("/*")) return false;
    const auto end = rest.find(line ? "\n" : "*/");
    at_ = end == std::string_view::npos ? sql_.size() : at_ + end + (line ? 1 : 2);
    return true;
  }

  // The literal around an UNLOAD's query is looked into: it is the one that follows "UNLOAD (".
  bool SkipLiteral() {
    if (sql_[at_] != '\'') return false;
    const bool inner = base::Lower(sql_.substr(0, at_)).starts_with("unload (") && at_ == 8;
    ++at_;
    if (inner) return true;
    while (at_ < sql_.size() && sql_[at_] != '\'') at_ += sql_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, sql_.size());
    return true;
  }

  Token QuotedName() {
    Token token{.text = {}, .quoted = true, .name = true};
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '"') {
        if (at_ + 1 >= sql_.size() || sql_[at_ + 1] != '"') break;
        ++at_;
      }
      token.text += sql_[at_];
    }
    ++at_;
    return token;
  }

  Token BareName() {
    const std::size_t start = at_;
    while (at_ < sql_.size() && IsNameByte(sql_[at_])) ++at_;
    return {.text = base::Lower(sql_.substr(start, at_ - start)), .quoted = false, .name = true};
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

std::size_t Edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_last, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      // Two letters in the wrong order are one slip of the fingers.
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<model::TableName> RelationsIn(std::string_view sql) {
  std::vector<Token> tokens;
  Tokens reader(sql);
  while (auto token = reader.Next()) tokens.push_back(std::move(*token));
  std::vector<model::TableName> found;
  for (std::size_t i = 0; i + 3 < tokens.size(); ++i) {
    const Token& word = tokens[i];
    if (word.quoted || (word.text != "from" && word.text != "join")) continue;
    if (!tokens[i + 1].name || tokens[i + 2].text != "." || !tokens[i + 3].name) continue;
    // Two dots: database.schema.table, of which the database is not needed.
    const bool three = i + 5 < tokens.size() && tokens[i + 4].text == "." && tokens[i + 5].name;
    const std::size_t schema = three ? i + 3 : i + 1;
    model::TableName name{.schema = tokens[schema].text, .table = tokens[schema + 2].text};
    if (std::find(found.begin(), found.end(), name) == found.end()) found.push_back(name);
  }
  return found;
}

std::optional<std::string> NearestName(std::string_view misspelt,
                                       const std::vector<std::string>& names) {
  const std::string wanted = base::Lower(misspelt);
  std::optional<std::string> nearest;
  std::size_t least = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const auto& name : names) {
    const std::size_t edits = Edits(wanted, base::Lower(name));
    if (edits >= least) continue;
    least = edits;
    nearest = name;
  }
  return nearest;
}

}  // namespace sluice::redshift
