// Goal: rows are a table that fits the terminal, whatever stands in them.
#include "cli/preview_screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace sluice::cli {
namespace {
using testing::HasSubstr;
using testing::Not;

connection::Preview Some() {
  connection::Preview preview{.stream = "s.t", .columns = {}, .rows = {}};
  preview.columns = {{"id", {.kind = model::TypeKind::kInt64}}, {"name", {}}};
  preview.rows = {{"1", "Ann"}, {"22", std::nullopt}};
  return preview;
}

TEST(PreviewScreen, IsATable) {
  EXPECT_EQ(PreviewScreen(Some(), 80, {}), "id  name\n 1  Ann\n22  NULL\n\n2 rows\n");
}

TEST(PreviewScreen, FitsTheTerminalAndTellsWhatDidNot) {
  auto preview = Some();
  for (int i = 0; i < 10; ++i) {
    preview.columns.push_back({"column_" + std::to_string(i), {}});
    for (auto& row : preview.rows) row.push_back(std::string(100, 'x'));
  }
  std::istringstream lines(PreviewScreen(preview, 60, {}));
  std::string line;
  for (bool first = true; std::getline(lines, line) && !line.empty(); first = false) {
    EXPECT_LE(Width(line), 60U) << line;
    EXPECT_EQ(line.find("column_1"), std::string::npos) << first;
  }
  EXPECT_THAT(PreviewScreen(preview, 60, {}), HasSubstr("of 12 columns; 9 more did not fit"));
  EXPECT_THAT(PreviewScreen(preview, 0, {}), HasSubstr("column_9"));
}

TEST(PreviewScreen, KeepsAColumnThatIsWiderThanTheTerminal) {
  auto preview = Some();
  preview.columns[0].name = std::string(30, 'i');
  EXPECT_THAT(PreviewScreen(preview, 10, {}), HasSubstr("1 more did not fit"));
}

TEST(PreviewScreen, LetsNoValueTakeTheTerminal) {
  auto preview = Some();
  preview.rows[0][1] = "a\x1b[2Jb\nc";
  const std::string text = PreviewScreen(preview, 80, {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("b\nc")));
}

TEST(PreviewScreen, ShowsTheColumnsOfNoRows) {
  auto preview = Some();
  preview.rows.clear();
  EXPECT_EQ(PreviewScreen(preview, 80, {}), "id  name\n\n0 rows\n");
}

}  // namespace
}  // namespace sluice::cli
