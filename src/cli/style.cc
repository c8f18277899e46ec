#include "cli/style.h"

#include <algorithm>

namespace sluice::cli {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

}  // namespace

std::size_t Width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      const auto end = text.find('m', i);
      if (end == std::string_view::npos) break;
      i = end;
    } else if (!IsContinuation(text[i])) {
      ++width;
    }
  }
  return width;
}

std::string PadRight(std::string text, std::size_t width) {
  const std::size_t have = Width(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

std::string PadLeft(std::string text, std::size_t width) {
  const std::size_t have = Width(text);
  if (have < width) text.insert(0, width - have, ' ');
  return text;
}

std::string Shorten(std::string_view text, std::size_t width, const Style& style) {
  if (Width(text) <= width) return std::string(text);
  const std::string_view mark = style.unicode ? "…" : "~";
  if (width == 0) return {};
  std::size_t kept = 0;
  std::size_t end = 0;
  while (end < text.size() && kept < width - 1) {
    ++end;
    while (end < text.size() && IsContinuation(text[end])) ++end;
    ++kept;
  }
  return std::string(text.substr(0, end)) + std::string(mark);
}

namespace {

bool IsSentence(std::string_view line) {
  return !line.empty() && line.front() != ' ' &&
         (line.ends_with('.') || line.ends_with('?') || line.find(". ") != std::string_view::npos);
}

std::string WrapLine(std::string_view line, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!line.empty()) {
    const auto word = line.substr(0, line.find(' '));
    const std::size_t wide = Width(word);
    if (column > 0 && column + 1 + wide > width) {
      out += '\n';
      column = 0;
    } else if (!out.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += wide;
    line.remove_prefix(std::min(line.size(), word.size() + 1));
  }
  return out;
}

}  // namespace

std::string Wrap(std::string_view text, std::size_t width) {
  std::string out;
  for (;;) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    out += Width(line) > width && IsSentence(line) ? WrapLine(line, width) : std::string(line);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string Indent(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (;;) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) out += std::string(indent) + std::string(line);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace sluice::cli
