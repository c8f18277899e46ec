// Goal: a stream that stands for many tables is read as it is written, and what cannot be meant is
// told by field and line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"

namespace sluice::config {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kHead =
    "name: acme\n"
    "redshift: { workgroup: wg1, host: h.example.com, database: dev, username: u }\n"
    "staging: { bucket: acme-staging, region: us-east-1 }\n"
    "auth: { role_arn: 'arn:aws:iam::123456789012:role/r' }\n"
    "destination: { type: duckdb, path: x.duckdb }\n"
    "streams:\n";

Loaded Read(std::string_view streams) {
  return Parse(std::string(kHead) + std::string(streams), "sluice.yaml",
               [](std::string_view) { return std::nullopt; });
}

TEST(Patterns, AreReadWithTheSettingsOfTheirTables) {
  const Loaded loaded = Read(
      "  - table: sales.orders\n"
      "  - tables: [\"sales.*\", 'hr.\"odd*name\"']\n"
      "    exclude: [\"*_tmp\", \"sales.audit_*\"]\n"
      "    new_tables: tell\n    views: true\n    schema_changes: freeze\n"
      "  - table: a.b\n"
      "  - tables: \"*.*\"\n    exclude: \"x.*\"\n");
  ASSERT_THAT(loaded.problems, IsEmpty()) << loaded.problems[0].problem;
  EXPECT_THAT(loaded.config.streams, SizeIs(2));
  ASSERT_THAT(loaded.config.patterns, SizeIs(2));
  const PatternConfig& sales = loaded.config.patterns[0];
  ASSERT_THAT(sales.tables, SizeIs(2));
  EXPECT_EQ(sales.tables[0].text, "sales.*");
  EXPECT_TRUE(sales.tables[1].Matches({"hr", "odd*name"}));
  EXPECT_TRUE(sales.exclude.at(1).Matches({"sales", "audit_1"}));
  EXPECT_EQ(sales.new_tables, NewTables::kTell);
  EXPECT_TRUE(sales.views);
  EXPECT_EQ(sales.settings.schema_policy, model::SchemaPolicy::kFreeze);
  EXPECT_EQ(sales.settings.name, "");
  EXPECT_EQ(sales.field, "streams[1]");
  EXPECT_EQ(sales.before, 1U);
  EXPECT_EQ(loaded.config.patterns[1].new_tables, NewTables::kFollow);
  EXPECT_FALSE(loaded.config.patterns[1].views);
  EXPECT_EQ(loaded.config.patterns[1].before, 2U);
}

struct Bad {
  std::string name;
  std::string streams;
  std::string field;
  int line;
  std::string problem;
};
class BadPattern : public testing::TestWithParam<Bad> {};

TEST_P(BadPattern, IsToldByFieldAndLine) {
  const auto problems = Read(GetParam().streams).problems;
  ASSERT_THAT(problems, SizeIs(1)) << (problems.size() > 1 ? problems[1].problem : "");
  EXPECT_EQ(problems[0].field, GetParam().field);
  EXPECT_EQ(problems[0].at.line, GetParam().line);
  EXPECT_THAT(problems[0].problem, HasSubstr(GetParam().problem));
  EXPECT_FALSE(problems[0].remedy.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Patterns, BadPattern,
    testing::Values(
        Bad{"System", "  - tables:\n      - \"s.*\"\n      - \"pg_catalog.*\"\n",
            "streams[0].tables[1]", 9, "a schema of the system"},
        Bad{"NoSchema", "  - tables: \"*_x\"\n", "streams[0].tables", 7, "the schema is missing"},
        Bad{"SystemExcluded", "  - tables: \"s.*\"\n    exclude: \"pg_x.*\"\n",
            "streams[0].exclude", 8, "a schema of the system"},
        Bad{"BesideTable", "  - tables: \"s.*\"\n    table: a.b\n", "streams[0].table", 8,
            "stands beside tables"},
        Bad{"BesideSql", "  - tables: \"s.*\"\n    sql: SELECT 1\n    name: a\n",
            "streams[0].table", 7, "stands beside sql"},
        Bad{"Named", "  - tables: \"s.*\"\n    name: a\n", "streams[0].name", 8,
            "stands beside tables"},
        Bad{"ExcludeAlone", "  - table: a.b\n    exclude: c\n", "streams[0].exclude", 8,
            "without tables"},
        Bad{"NewTablesAlone", "  - table: a.b\n    new_tables: tell\n", "streams[0].new_tables", 8,
            "without tables"},
        Bad{"ViewsAlone", "  - table: a.b\n    views: true\n", "streams[0].views", 8,
            "without tables"},
        Bad{"NoneOfThem", "  - tables: []\n", "streams[0].tables", 7, "empty list"},
        Bad{"StarInTable", "  - table: \"sales.*\"\n", "streams[0].table", 7, "holds a *"},
        Bad{"NoMode", "  - tables: \"s.*\"\n    write_mode: merge\n", "streams[0].primary_key", 7,
            "missing"},
        Bad{"SameNameBehindOne", "  - tables: \"s.*\"\n  - table: a.b\n  - table: a.b\n",
            "streams[2]", 9, "is called a.b"}),
    [](const auto& param) { return param.param.name; });

TEST(Patterns, AQuotedStarIsAName) {
  const Loaded loaded = Read("  - table: 'sales.\"a*b\"'\n");
  ASSERT_THAT(loaded.problems, IsEmpty()) << loaded.problems[0].problem;
  EXPECT_EQ(loaded.config.streams.at(0).stream.table, (model::TableName{"sales", "a*b"}));
}

}  // namespace
}  // namespace sluice::config
