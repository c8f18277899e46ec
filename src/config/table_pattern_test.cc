// Goal: a pattern chooses the tables that a person would think it does, whatever their names hold,
// and one that cannot be meant is refused in words.
#include "config/table_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::config {
namespace {
using testing::HasSubstr;

bool Matches(std::string_view pattern, const model::TableName& name) {
  const auto parsed = ParseTablePattern(pattern);
  if (const auto* broken = std::get_if<Broken>(&parsed)) {
    ADD_FAILURE() << pattern << " " << broken->problem;
    return false;
  }
  return std::get<TablePattern>(parsed).Matches(name);
}

bool Excludes(std::string_view pattern, const model::TableName& name) {
  return std::get<TablePattern>(ParseExclusion(pattern)).Matches(name);
}

std::string PatternProblem(std::string_view pattern) {
  const auto broken = CheckTablePattern(pattern);
  return broken ? broken->problem : "";
}

TEST(TablePattern, MatchesByStarsAndQuestionMarks) {
  EXPECT_TRUE(Matches("sales.*", {"sales", "orders"}));
  EXPECT_FALSE(Matches("sales.*", {"sales2", "orders"}));
  EXPECT_FALSE(Matches("sales.*", {"presales", "orders"}));
  EXPECT_TRUE(Matches("*.*", {"any", "thing"}));
  EXPECT_TRUE(Matches("sales.o*s", {"sales", "orders"}));
  EXPECT_TRUE(Matches("sales.o*s", {"sales", "os"}));
  EXPECT_FALSE(Matches("sales.o*s", {"sales", "orders_2"}));
  EXPECT_TRUE(Matches("sales.*_*_x", {"sales", "a_b_c_x"}));
  EXPECT_FALSE(Matches("sales.*_*_x", {"sales", "a_x"}));
  EXPECT_TRUE(Matches("sales.***", {"sales", "t"}));
  EXPECT_TRUE(Matches("s?les.t", {"sales", "t"}));
  EXPECT_FALSE(Matches("s?les.t", {"sles", "t"}));
  EXPECT_TRUE(Matches("s.t?", {"s", "t\u00fc"})) << "one character, however many bytes";
  EXPECT_FALSE(Matches("s.t??", {"s", "t\u00fc"}));
  EXPECT_TRUE(Matches("sales.orders", {"sales", "orders"}));
}

TEST(TablePattern, TakesWhatStandsInQuotesAtItsWord) {
  EXPECT_TRUE(Matches("s.\"a*b\"", {"s", "a*b"}));
  EXPECT_FALSE(Matches("s.\"a*b\"", {"s", "axb"}));
  EXPECT_TRUE(Matches("\"my.schema\".*", {"my.schema", "t"}));
  EXPECT_TRUE(Matches("s.\"quo\"\"ted\"*", {"s", "quo\"ted and more"}));
  EXPECT_TRUE(Matches("'\"my.schema\".t'", {"my.schema", "t"})) << "quoted once more for YAML";
}

TEST(TablePattern, FoldsLettersOutsideOfQuotes) {
  EXPECT_TRUE(Matches("Sales.ORD*", {"sales", "orders"}));
  EXPECT_TRUE(Matches("sales.ord*", {"Sales", "Orders"}));
  EXPECT_FALSE(Matches("s.\"Orders\"", {"s", "orders"}));
}

TEST(TablePattern, ExcludesByTableAloneOrWithItsSchema) {
  EXPECT_TRUE(Excludes("*_tmp", {"any", "orders_tmp"}));
  EXPECT_FALSE(Excludes("*_tmp", {"x_tmp", "orders"}));
  EXPECT_TRUE(Excludes("sales.audit_*", {"sales", "audit_2025"}));
  EXPECT_FALSE(Excludes("sales.audit_*", {"hr", "audit_2025"}));
}

TEST(TablePattern, RefusesTheSystemsSchemasAndNothingThatOnlyLooksLikeThem) {
  for (const auto* pattern : {"pg_catalog.*", "pg_*.*", "PG_catalog.pg_class", "\"pg_x\".*",
                              "information_schema.*", "catalog_history.*", "pg_temp_?.*"}) {
    EXPECT_THAT(PatternProblem(pattern), HasSubstr("a schema of the system")) << pattern;
  }
  EXPECT_EQ(PatternProblem("pg*.*"), "");
  EXPECT_EQ(PatternProblem("information*.*"), "");
  EXPECT_EQ(PatternProblem("pgbench.*"), "");
}

TEST(TablePattern, RefusesWhatIsNone) {
  EXPECT_THAT(PatternProblem("orders*"), HasSubstr("the schema is missing"));
  EXPECT_THAT(PatternProblem("a.b.*"), HasSubstr("more than two parts"));
  EXPECT_THAT(PatternProblem("sales."), HasSubstr("a name is empty"));
  EXPECT_THAT(PatternProblem(".t"), HasSubstr("a name is empty"));
  EXPECT_THAT(PatternProblem(""), HasSubstr("a name is empty"));
  EXPECT_THAT(PatternProblem("s.\"a"), HasSubstr("not closed"));
  EXPECT_THAT(PatternProblem("sales.*, hr.*"), HasSubstr("blanks"));
  EXPECT_THAT(PatternProblem("s." + std::string(128, 'x')), HasSubstr("127 bytes"));
}

}  // namespace
}  // namespace sluice::config
