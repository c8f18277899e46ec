// Goal: no name, value or path can be read as SQL or as a pattern.
#include "columnar/sql_text.h"

#include <gtest/gtest.h>

#include <fstream>

#include "columnar/database.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {

TEST(SqlText, DoublesTheQuoteAndNothingElse) {
  EXPECT_EQ(QuoteName(R"(a"b\c)"), R"("a""b\c")");
  EXPECT_EQ(QuoteText(R"(it's\n)"), R"('it''s\n')");
}

TEST(SqlText, RefusesZeroBytes) {
  EXPECT_THAT([] { QuoteName(std::string_view("a\0b", 3)); },
              test::ThrowsError(base::ErrorCode::kUnsupported));
}

TEST(SqlText, FoldsAsciiOnly) { EXPECT_EQ(FoldName("AbÄ_1"), "abÄ_1"); }

TEST(SqlText, PathsWithPatternSignsNameOneFile) {
  const test::TempDir dir;
  const auto folder = dir.path() / "we[i]rd *?'s" / "k=v";
  std::filesystem::create_directories(folder);
  Database database = Database::Open({.threads = 1});
  Connection connection = database.Connect();
  const Task task{"copy", "a test file"};
  connection.Run(
      "COPY (SELECT 1 AS a) TO " + QuoteText((folder / "x.parquet").string()) + " (FORMAT parquet)",
      {}, task);
  const Result result = connection.Run("SELECT CAST(a AS BIGINT) FROM read_parquet([" +
                                           QuoteText(EscapeGlob((folder / "x.parquet").string())) +
                                           "], hive_partitioning = false)",
                                       {}, task);
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(result.rows[0][0], "1");
}

}  // namespace
}  // namespace sluice::columnar
