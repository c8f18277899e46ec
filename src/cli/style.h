// How text looks: colours and marks if the reader is a person at a terminal, plain words else.
// Values; any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/printable.h"  // what is styled comes from outside

namespace sluice::cli {

struct Style {
  bool colour = false;
  bool unicode = false;  // marks beyond ASCII

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Dim(std::string_view text) const { return Wrap("2", text); }
  std::string Red(std::string_view text) const { return Wrap("31", text); }
  std::string Green(std::string_view text) const { return Wrap("32", text); }
  std::string Yellow(std::string_view text) const { return Wrap("33", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const {
    if (!colour || text.empty()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }
};

// Columns a text takes on a terminal: code points, without escape sequences. Wide East Asian
// characters count as one; such a name shifts its row by as many columns, nothing worse.
std::size_t Width(std::string_view text);
// `text` with blanks to `width` columns, behind it or before it.
std::string PadRight(std::string text, std::size_t width);
std::string PadLeft(std::string text, std::size_t width);
// At most `width` columns, the last an ellipsis if something was cut. REQUIRES: no escapes in it.
std::string Shorten(std::string_view text, std::size_t width, const Style& style);
// Lines that are sentences and longer than `width` columns, broken at blanks. Statements and
// settings stay whole, so that they can be pasted: they end in no full stop.
std::string Wrap(std::string_view text, std::size_t width);
// Every line of `text` behind `indent`; no line end at the end.
std::string Indent(std::string_view text, std::string_view indent);

}  // namespace sluice::cli
