#include "cli/preview_screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/printable.h"
#include "cli/text_table.h"
#include "cli/units.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kCellMax = 40;
constexpr std::size_t kBetween = 2;  // as TextTable

struct CellTexts {
  std::vector<std::string> texts;  // the name, then a value of each row
  std::size_t width = 0;
  bool number = false;
};

bool IsNumber(model::TypeKind kind) {
  using enum model::TypeKind;
  return kind == kInt16 || kind == kInt32 || kind == kInt64 || kind == kFloat32 ||
         kind == kFloat64 || kind == kDecimal;
}

// Also of a file: a value of a megabyte is no table any more.
CellTexts CellsOf(const connection::Preview& preview, std::size_t column, std::size_t width,
                  const Style& style) {
  const std::size_t cell_max = width == 0 ? kCellMax * 5 : std::min(kCellMax, width);
  CellTexts cells{.texts = {}, .width = 0, .number = IsNumber(preview.columns[column].type.kind)};
  const auto add = [&](const std::string& text) {
    cells.texts.push_back(Shorten(base::PrintableLine(text), cell_max, style));
    cells.width = std::max(cells.width, Width(cells.texts.back()));
  };
  add(preview.columns[column].name);
  for (const auto& row : preview.rows) {
    // A text that is NULL and one that reads so are told apart by their look alone; --json tells.
    add(column < row.size() && row[column] ? *row[column] : "NULL");
  }
  return cells;
}

}  // namespace

std::string PreviewScreen(const connection::Preview& preview, std::size_t width,
                          const Style& style) {
  std::vector<CellTexts> shown;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < preview.columns.size(); ++i) {
    CellTexts cells = CellsOf(preview, i, width, style);
    taken += cells.width + (i > 0 ? kBetween : 0);
    if (width > 0 && taken > width && !shown.empty()) break;
    shown.push_back(std::move(cells));
  }
  std::string alignment;
  for (const auto& cells : shown) alignment += cells.number ? 'r' : 'l';
  TextTable table(alignment);
  for (std::size_t i = 0; i <= preview.rows.size(); ++i) {
    std::vector<std::string> line;
    for (std::size_t column = 0; column < shown.size(); ++column) {
      const std::string& text = shown[column].texts[i];
      const bool null =
          i > 0 && column < preview.rows[i - 1].size() && !preview.rows[i - 1][column].has_value();
      line.push_back(i == 0 ? style.Bold(text) : null ? style.Dim(text) : text);
    }
    table.Add(std::move(line));
  }
  std::string text = table.Text() + "\n" + Count(preview.rows.size(), "row");
  const std::size_t left_out = preview.columns.size() - shown.size();
  if (left_out > 0) {
    text += fmt::format(" of {}; {} more did not fit: --json shows all",
                        Count(preview.columns.size(), "column"), left_out);
  }
  return text + "\n";
}

}  // namespace sluice::cli
