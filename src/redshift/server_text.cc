#include "redshift/server_text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace sluice::redshift {
namespace {

constexpr std::size_t kShownMax = 500;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsKeyByte(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
         c == '=';
}

std::string_view TrimWords(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// "...,Error AccessDenied,Rid..." and "Error": "AccessDenied". Only behind a comma, because the
// prose in front may hold the same words.
std::string Member(std::string_view block, std::string_view name) {
  const std::string mark = "," + std::string(name) + " ";
  const auto at = block.find(mark);
  if (at == std::string_view::npos) return {};
  const auto rest = block.substr(at + mark.size());
  return std::string(TrimWords(rest.substr(0, rest.find_first_of(",\n"))));
}

std::string LineAfter(std::string_view block, std::string_view mark) {
  const auto at = block.find(mark);
  if (at == std::string_view::npos) return {};
  const auto rest = block.substr(at + mark.size());
  return std::string(TrimWords(rest.substr(0, rest.find('\n'))));
}

bool IsWordByte(char c) { return IsKeyByte(c) ? c != '+' && c != '/' && c != '=' : c == '_'; }

// After these a name follows, of a thing and not of a value.
constexpr std::array kNamed = {
    "relation", "table",    "view",      "schema",    "database", "column",    "rule",   "user",
    "role",     "group",    "datashare", "share",     "function", "procedure", "policy", "queue",
    "catalog",  "type",     "language",  "parameter", "index",    "cursor",    "bucket", "server",
    "library",  "sequence", "namespace", "workgroup", "named",    "workload"};
// A number after these, or before one of the units, is none of a row.
constexpr std::array kNumbered = {"query", "pid", "xid", "table", "transaction"};
constexpr std::array kCoded = {"code", "status", "error", "curlerror", "port", "version"};
constexpr std::array kUnits = {"ms", "milliseconds", "seconds", "s", "mb", "gb", "kb", "blocks"};

template <typename Words>
bool IsWordOf(const Words& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view one) { return word == one; });
}

// The word that ends at `end`, without the signs between.
std::string WordBefore(std::string_view text, std::size_t end) {
  while (end > 0 && std::string_view(" \t\n(:=-#").find(text[end - 1]) != std::string_view::npos) {
    --end;
  }
  std::size_t start = end;
  while (start > 0 && IsWordByte(text[start - 1])) --start;
  return base::Lower(text.substr(start, end - start));
}

std::string WordAfter(std::string_view text, std::size_t start) {
  if (start < text.size() && text[start] == ' ') ++start;
  std::size_t end = start;
  while (end < text.size() && IsWordByte(text[end])) ++end;
  return base::Lower(text.substr(start, end - start));
}

bool LooksLikeKey(std::string_view word) {
  return word.starts_with("AKIA") || word.starts_with("ASIA") ||
         (word.size() >= 16 && word.find_first_of("0123456789") != word.npos);
}

// One run of letters, digits and the signs of keys.
std::string ShownWord(std::string_view text, std::size_t from, std::size_t to) {
  const std::string_view word = text.substr(from, to - from);
  const bool number = word.find_first_not_of("0123456789") == std::string_view::npos;
  if (number && word.size() >= 5) {
    const std::string before = WordBefore(text, from);
    const bool plain = IsWordOf(kNumbered, before) || IsWordOf(kUnits, WordAfter(text, to)) ||
                       (word.size() == 5 && IsWordOf(kCoded, before));
    return plain && word.size() <= 12 ? std::string(word) : "...";
  }
  if (!LooksLikeKey(word)) return std::string(word);
  const bool named = word.size() < 16 + 48 && !word.starts_with("A") &&
                     word.find_first_of("+/=") == word.npos &&
                     IsWordOf(kNamed, WordBefore(text, from));
  return named ? std::string(word) : "...";
}

// Between double quotes: a name if the word before says so, or a name before it ended in a dot.
bool IsName(std::string_view text, std::size_t open, std::string_view inside, bool after_name) {
  if (inside.empty() || inside.size() > 127) return false;
  if (std::any_of(inside.begin(), inside.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; })) {
    return false;
  }
  if (inside.starts_with("AKIA") || inside.starts_with("ASIA")) return false;
  return after_name || IsWordOf(kNamed, WordBefore(text, open));
}

// The word at which a syntax error stands: one of the language or a name, never a literal.
bool IsPlainToken(std::string_view text, std::size_t open, std::string_view inside) {
  if (!text.substr(0, open).ends_with("at or near ")) return false;
  if (inside.empty() || inside.size() > 40 || LooksLikeKey(inside)) return false;
  const bool word = std::all_of(inside.begin(), inside.end(), IsWordByte) &&
                    (inside.front() < '0' || inside.front() > '9');
  const bool sign = inside.size() <= 2 && inside.find_first_not_of("()[]{}<>=!+-*/%^&|~,.;:@#?") ==
                                              std::string_view::npos;
  return word || sign;
}

// "arn:aws:iam::123456789012:role/x" tells who and what, and is no secret.
std::size_t EndOfArn(std::string_view text, std::size_t from) {
  if (!text.substr(from).starts_with("arn:")) return from;
  std::size_t end = from;
  while (end < text.size() && end - from < 300 &&
         (IsWordByte(text[end]) ||
          std::string_view(":/+=@.*-").find(text[end]) != std::string_view::npos)) {
    ++end;
  }
  return end;
}

// The end of what starts with a quote at `from`: behind the closing one, or the end.
std::size_t EndOfQuote(std::string_view text, std::size_t from) {
  const auto close = text.find(text[from], from + 1);
  return close == std::string_view::npos ? text.size() : close + 1;
}

}  // namespace

std::optional<S3Failure> ParseS3Failure(std::string_view text) {
  const auto start = text.find("S3ServiceException");
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view block = text.substr(start);
  S3Failure failure{.status = 0,
                    .error = Member(block, "Error"),
                    .request_id = Member(block, "Rid"),
                    .query_id = LineAfter(block, "query:")};
  const std::string status = Member(block, "Status");
  std::from_chars(status.data(), status.data() + status.size(), failure.status);
  return failure;
}

ServerBlock ParseBlock(std::string_view text) {
  const auto digits = [](std::string value) {
    const bool fine =
        !value.empty() && value.size() <= 12 && std::all_of(value.begin(), value.end(), IsDigit);
    return fine ? value : std::string();
  };
  // A line's own name ends in a colon and stands at its start.
  const auto line = [&](std::string_view name) {
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      const auto start = text.substr(0, at).find_last_not_of(" \t");
      if (start == std::string_view::npos || text[start] == '\n') {
        return LineAfter(text.substr(at), name);
      }
    }
    return std::string();
  };
  return {.error = line("error:"),
          .code = digits(line("code:")),
          .context = line("context:"),
          .query = digits(line("query:")),
          .location = line("location:")};
}

std::optional<int> CurlErrorIn(std::string_view text) {
  const std::string lower = base::Lower(text);
  for (const std::string_view mark : {"curlerror ", "curlerror: ", "curlcode: ", "curlcode "}) {
    const auto at = lower.find(mark);
    if (at == std::string::npos) continue;
    const char* const start = lower.data() + at + mark.size();
    int number = 0;
    const auto [end, error] = std::from_chars(start, lower.data() + lower.size(), number);
    if (error == std::errc() && end != start) return number;
  }
  return std::nullopt;
}

std::string Mask(std::string_view text) {
  std::string shown;
  std::size_t name_end = std::string_view::npos;  // where the last name that was shown ended
  for (std::size_t i = 0; i < text.size() && shown.size() < kShownMax;) {
    const char c = text[i];
    // An apostrophe within a word ("user's") opens no literal.
    const bool in_word = i > 0 && (IsKeyByte(text[i - 1]) && text[i - 1] != '=');
    if (c == '"' || (c == '\'' && !in_word)) {
      const std::size_t end = EndOfQuote(text, i);
      const bool closed = end > i + 1 && text[end - 1] == c;
      const std::string_view inside = text.substr(i + 1, closed ? end - i - 2 : 0);
      const bool after_name = i > 0 && text[i - 1] == '.' && name_end == i - 1;
      const bool name = c == '"' && closed && IsName(text, i, inside, after_name);
      if (name) name_end = end;
      if (name || (c == '"' && closed && IsPlainToken(text, i, inside))) {
        shown += text.substr(i, end - i);
      } else {
        shown += c == '"' ? "\"...\"" : "'...'";
      }
      i = end;
      continue;
    }
    if (const std::size_t end = in_word ? i : EndOfArn(text, i); end != i) {
      shown += text.substr(i, end - i);
      i = end;
      continue;
    }
    std::size_t run = i;
    while (run < text.size() && IsKeyByte(text[run])) ++run;
    if (run == i) {
      shown += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
      ++i;
      continue;
    }
    shown += ShownWord(text, i, run);
    i = run;
  }
  if (shown.size() >= kShownMax) shown += "...";
  return shown;
}

namespace {

// Of a log-in, libpq puts whom it asked before the server's words, and the message holds that.
std::string_view Spoken(std::string_view message) {
  for (const std::string_view mark : {"FATAL:", "PANIC:", "ERROR:"}) {
    const auto at = message.rfind(mark);
    if (at != std::string_view::npos) return TrimWords(message.substr(at + mark.size()));
  }
  if (message.starts_with("connection to server at ")) {
    const auto at = message.find(" failed: ");
    if (at != std::string_view::npos) return TrimWords(message.substr(at + 9));
  }
  return TrimWords(message);
}

// Of these the context is the value: 1207 is an invalid digit, the 12xx are of loads.
bool IsAboutAValue(std::string_view sqlstate, std::string_view code, const std::string& lower) {
  if (sqlstate.starts_with("22") || sqlstate.starts_with("23")) return true;
  if (code.size() == 4 && code.starts_with("12")) return true;
  constexpr std::array kWords = {"invalid digit", "input syntax", "overflow",       "out of range",
                                 "cannot cast",   "convert",      "cannot be cast", "utf8",
                                 "too long",      "invalid date", "invalid time",   "row contains"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

std::string Shown(std::string_view sqlstate, std::string_view message, std::string_view detail) {
  const ServerBlock block = ParseBlock(detail);
  std::string shown = Mask(Spoken(message));
  const bool secretive = IsAboutAValue(
      sqlstate, block.code, base::Lower(std::string(message) + "\n" + std::string(detail)));
  std::string more;
  const auto add = [&](const std::string& piece) {
    if (!piece.empty()) more += (more.empty() ? "" : ", ") + piece;
  };
  if (!block.code.empty()) {
    if (!secretive && !block.error.empty() && message.find(block.error) == std::string_view::npos) {
      add(Mask(block.error));
    }
    add("code " + block.code);
    if (!secretive && !block.context.empty()) add("context: " + Mask(block.context));
    if (!block.query.empty()) add("query " + block.query);
  } else if (!secretive && !TrimWords(detail).empty()) {
    add(Mask(TrimWords(detail)));
  }
  return more.empty() ? shown : shown + " (" + more + ")";
}

}  // namespace sluice::redshift
