#include "base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::base {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};
// Controls, what has no width, what sets the direction, what looks like a blank and is none.
// https://www.unicode.org/reports/tr36/, https://www.unicode.org/reports/tr9/
constexpr std::array<Range, 24> kHidden = {{
    {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},     {0x034F, 0x034F},
    {0x061C, 0x061C},   {0x115F, 0x1160},   {0x17B4, 0x17B5},     {0x180B, 0x180F},
    {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},     {0x3164, 0x3164},
    {0xFE00, 0xFE0E},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},     {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF},   {0x13430, 0x1345F}, {0x1BCA0, 0x1BCA3},   {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF}, {0xF0000, 0xFFFFF}, {0x100000, 0x10FFFF}, {0xD800, 0xDFFF},
}};

bool IsHidden(char32_t c) {
  return std::any_of(kHidden.begin(), kHidden.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

struct Sign {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The UTF-8 sequence at the front; not valid: its first byte is none.
Sign Front(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : (lead >= 0xE0 ? 3 : 2);
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {lead, 1, false};
  char32_t code = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U) return {lead, 1, false};
    code = (code << 6U) | (next & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast.at(bytes) || code > 0x10FFFF) return {lead, 1, false};
  return {code, bytes, true};
}

// As JSON writes it, so that a document stays one if its strings are made visible.
std::string Escape(char32_t code) {
  if (code < 0x10000) return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
  const auto rest = static_cast<std::uint32_t>(code) - 0x10000U;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (rest >> 10U), 0xDC00U + (rest & 0x3FFU));
}

// Length of an escape sequence of our own at the front, else 0: "\x1b[31m", "\x1b[2A", "\r\x1b[".
std::size_t OwnSequence(std::string_view text) {
  if (text.starts_with("\r\x1b[")) return 1;
  if (!text.starts_with("\x1b[")) return 0;
  std::size_t at = 2;
  while (at < text.size() && at < 6 && text[at] >= '0' && text[at] <= '9') ++at;
  const bool known =
      at < text.size() && std::string_view("mAJK").find(text[at]) != std::string_view::npos;
  return known ? at + 1 : 0;
}

// `stays` says which of the hidden signs at the front of what is left remain, in bytes.
template <typename Stays>
std::string Visible(std::string_view text, Stays stays) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Sign sign = Front(text);
    std::size_t length = sign.bytes;
    if (sign.valid && !IsHidden(sign.code)) {
      out += text.substr(0, length);
    } else if (const std::size_t kept = stays(text); kept > 0) {
      out += text.substr(0, kept);
      length = kept;
    } else {
      out += sign.valid ? Escape(sign.code)
                        : fmt::format("\\x{:02x}", static_cast<unsigned>(sign.code));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::size_t LineEndOrTab(std::string_view text) {
  return text.front() == '\n' || text.front() == '\t' ? 1 : 0;
}

}  // namespace

std::string Printable(std::string_view text) { return Visible(text, LineEndOrTab); }

std::string PrintableLine(std::string_view text) {
  return Visible(text, [](std::string_view) -> std::size_t { return 0; });
}

std::string PrintableRemedy(std::string_view text) {
  // An odd number of quotes tells nothing.
  if (std::count(text.begin(), text.end(), '"') % 2 != 0) return Printable(text);
  const char* const begin = text.data();
  return Visible(text, [&](std::string_view rest) -> std::size_t {
    const bool quoted = std::count(begin, rest.data(), '"') % 2 != 0;
    return quoted ? 0 : LineEndOrTab(rest);
  });
}

std::string Guarded(std::string_view text) {
  return Visible(text, [](std::string_view rest) {
    const std::size_t own = OwnSequence(rest);
    return own > 0 ? own : LineEndOrTab(rest);
  });
}

}  // namespace sluice::base
