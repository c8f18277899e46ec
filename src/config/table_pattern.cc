#include "config/table_pattern.h"

#include <algorithm>
#include <utility>

namespace sluice::config {
namespace {

using Kind = NamePattern::Piece::Kind;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

Broken NoPattern(std::string_view why) {
  return {"is not a pattern of tables: " + std::string(why),
          "Write schema.table with * for any characters, for example \"sales.*\", in quotes.\n"
          "Names with dots or stars of their own stand in double quotes: 'sales.\"odd*name\"'."};
}

// Takes a name off the front of `rest`, up to a dot outside of quotes. Returns what is wrong.
std::optional<std::string_view> TakePattern(std::string_view& rest, NamePattern& into) {
  std::vector<NamePattern::Piece> pieces;
  while (!rest.empty() && rest.front() != '.') {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '"') {
      if (c == ' ' || c == '\'') return "a name with blanks or quotes needs double quotes";
      const Kind kind = c == '*' ? Kind::kAny : c == '?' ? Kind::kOne : Kind::kCharacter;
      // Two stars in a row are one.
      if (kind == Kind::kAny && !pieces.empty() && pieces.back().kind == kind) continue;
      pieces.push_back({.kind = kind, .byte = c});
      continue;
    }
    for (;;) {
      const auto quote = rest.find('"');
      if (quote == std::string_view::npos) return "a double quote is not closed";
      for (const char inner : rest.substr(0, quote)) {
        pieces.push_back({.kind = Kind::kCharacter, .byte = inner, .exact = true});
      }
      rest.remove_prefix(quote + 1);
      if (!rest.starts_with('"')) break;
      pieces.push_back({.kind = Kind::kCharacter, .byte = '"', .exact = true});
      rest.remove_prefix(1);
    }
  }
  constexpr std::size_t kNameBytesMax = 127;
  if (pieces.empty()) return "a name is empty";
  if (pieces.size() > kNameBytesMax) return "a name has more than 127 bytes";
  into = NamePattern(std::move(pieces));
  return std::nullopt;
}

// Single quotes around the whole are YAML's, as of `table:`.
std::string Bare(std::string_view value) {
  if (value.size() < 3 || !value.starts_with('\'') || !value.ends_with('\'')) {
    return std::string(value);
  }
  std::string bare;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\'' && value[i + 1] == '\'' && i + 2 < value.size()) ++i;
    bare += value[i];
  }
  return bare;
}

// A sign may stand for anything, so a pattern such as p* is not meant for the system's schemas,
// which it never matches; pg_* and pg_catalog are.
bool NamesSystemSchema(const NamePattern& schema) {
  const std::string beginning = schema.Beginning();
  return beginning.starts_with("pg_") || (!schema.HasSign() && IsSystemSchema(beginning));
}

std::variant<TablePattern, Broken> Parse(std::string_view value, bool schema_may_be_missing) {
  TablePattern pattern{.text = std::string(value), .schema = NamePattern(), .table = NamePattern()};
  const std::string bare = Bare(value);
  std::string_view rest = bare;
  if (const auto wrong = TakePattern(rest, pattern.table)) return NoPattern(*wrong);
  if (rest.empty()) {
    if (!schema_may_be_missing) return NoPattern("the schema is missing");
    pattern.schema = NamePattern({{.kind = Kind::kAny}});
    return pattern;
  }
  pattern.schema = std::exchange(pattern.table, NamePattern());
  rest.remove_prefix(1);
  if (const auto wrong = TakePattern(rest, pattern.table)) return NoPattern(*wrong);
  if (!rest.empty()) {
    return Broken{"has more than two parts",
                  "Write schema.table; the database is redshift.database."};
  }
  if (NamesSystemSchema(pattern.schema)) {
    return Broken{"names a schema of the system, whose tables cannot be unloaded",
                  "Name a schema of your own, for example \"sales.*\". What a view of the system "
                  "tells can be read\nby a query: name: and sql:"};
  }
  return pattern;
}

std::optional<Broken> BrokenOf(std::variant<TablePattern, Broken> parsed) {
  auto* broken = std::get_if<Broken>(&parsed);
  return broken == nullptr ? std::nullopt : std::optional(std::move(*broken));
}

}  // namespace

bool NamePattern::Matches(std::string_view name) const {
  // The last star and where in the name it began: from there it is tried with one character more.
  std::optional<std::pair<std::size_t, std::size_t>> star;
  std::size_t at = 0;
  std::size_t in = 0;
  while (in < name.size()) {
    const Piece* piece = at < pieces_.size() ? &pieces_[at] : nullptr;
    if (piece != nullptr && piece->kind == Kind::kAny) {
      star = {at++, in};
    } else if (piece != nullptr && piece->kind == Kind::kOne) {
      ++at;
      for (++in; in < name.size() && Continues(name[in]);) ++in;
    } else if (piece != nullptr &&
               (piece->exact ? piece->byte == name[in] : Lower(piece->byte) == Lower(name[in]))) {
      ++at;
      ++in;
    } else if (star) {
      at = star->first + 1;
      in = ++star->second;
    } else {
      return false;
    }
  }
  while (at < pieces_.size() && pieces_[at].kind == Kind::kAny) ++at;
  return at == pieces_.size();
}

bool NamePattern::HasSign() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.kind != Kind::kCharacter; });
}

std::optional<std::string> NamePattern::Name() const {
  if (HasSign()) return std::nullopt;
  std::string name;
  for (const Piece& piece : pieces_) name += piece.byte;
  return name;
}

std::string NamePattern::Beginning() const {
  std::string text;
  for (const Piece& piece : pieces_) {
    if (piece.kind != Kind::kCharacter) break;
    text += Lower(piece.byte);
  }
  return text;
}

std::variant<TablePattern, Broken> ParseTablePattern(std::string_view value) {
  return Parse(value, false);
}

std::optional<Broken> CheckTablePattern(std::string_view value) {
  return BrokenOf(ParseTablePattern(value));
}

std::variant<TablePattern, Broken> ParseExclusion(std::string_view value) {
  return Parse(value, true);
}

std::optional<Broken> CheckExclusion(std::string_view value) {
  return BrokenOf(ParseExclusion(value));
}

bool IsSystemSchema(std::string_view schema) {
  std::string lower(schema);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower.starts_with("pg_") || lower == "information_schema" || lower == "catalog_history";
}

}  // namespace sluice::config
