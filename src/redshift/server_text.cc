#include "redshift/server_text.h"

#include <charconv>

namespace sluice::redshift {
namespace {

constexpr std::size_t kShownMax = 300;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsKeyByte(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' ||
         c == '=';
}

std::string_view Trim(std::string_view text) {
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
  return std::string(Trim(rest.substr(0, rest.find_first_of(",\n"))));
}

std::string LineAfter(std::string_view block, std::string_view mark) {
  const auto at = block.find(mark);
  if (at == std::string_view::npos) return {};
  const auto rest = block.substr(at + mark.size());
  return std::string(Trim(rest.substr(0, rest.find('\n'))));
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

std::string Mask(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size() && shown.size() < kShownMax;) {
    const char c = text[i];
    // An apostrophe within a word ("user's") opens no literal.
    const bool in_word = i > 0 && (IsKeyByte(text[i - 1]) && text[i - 1] != '=');
    if (c == '"' || (c == '\'' && !in_word)) {
      shown += c == '"' ? "\"...\"" : "'...'";
      i = EndOfQuote(text, i);
      continue;
    }
    std::size_t run = i;
    while (run < text.size() && IsKeyByte(text[run])) ++run;
    if (run == i) {
      shown += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
      ++i;
      continue;
    }
    const std::string_view word = text.substr(i, run - i);
    const bool number = word.find_first_not_of("0123456789") == std::string_view::npos;
    const bool key = word.size() >= 16 && word.find_first_of("0123456789") != word.npos;
    if (key || (number && word.size() >= 5)) {
      shown += "...";
    } else {
      shown += word;
    }
    i = run;
  }
  if (shown.size() >= kShownMax) shown += "...";
  return shown;
}

}  // namespace sluice::redshift
