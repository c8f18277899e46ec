// Goal: the table of watermarks is one format for all databases: every value lands in its own
// column, and tables of earlier versions are read and extended.
#include "destinations/sql/state_table.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "destinations/sql/testing/plain_dialect.h"

namespace sluice::destinations::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const PlainDialect kDialect;

std::vector<std::string> SplitAt(const std::string& text, const std::string& separator) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (auto at = text.find(separator); at != std::string::npos; at = text.find(separator, from)) {
    out.push_back(text.substr(from, at - from));
    from = at + separator.size();
  }
  out.push_back(text.substr(from));
  return out;
}

std::string Between(const std::string& text, const std::string& from, const std::string& to) {
  const auto begin = text.find(from) + from.size();
  return text.substr(begin, text.find(to, begin) - begin);
}

std::string AsText(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return "NULL";
}

// Column -> value of an INSERT.
std::map<std::string, std::string> Inserted(const Statement& statement) {
  const auto names = SplitAt(Between(statement.text, "state (", ")"), ", ");
  const auto cells = SplitAt(Between(statement.text, "VALUES (", ")"), ", ");
  EXPECT_EQ(names.size(), cells.size());
  std::map<std::string, std::string> row;
  for (std::size_t i = 0; i < names.size(); ++i) {
    row[names[i]] = AsText(statement.values.at(std::stoul(cells[i].substr(1)) - 1));
  }
  return row;
}

const model::StreamTarget kTarget{.stream = "sales.orders",
                                  .table = {"sales", "orders_here"},
                                  .columns = {{"n", {.kind = model::TypeKind::kInt64}},
                                              {"it's", {.kind = model::TypeKind::kBool}}},
                                  .write_mode = model::WriteMode::kAppend};

TEST(StateTable, EveryValueLandsInItsOwnColumn) {
  ScriptedRunner runner;
  const base::UtcTime now{std::chrono::seconds(5)};
  const Committed row{.watermark = {.stream = "sales.orders",
                                    .value = "77",
                                    .cursor = "changed_at",
                                    .keys_compared = base::UtcTime(std::chrono::seconds(3)),
                                    .shape = "5a",
                                    .run = "r1",
                                    .attempt = "a1"},
                      .counts = {.inserted = 1,
                                 .updated = 2,
                                 .unchanged = 3,
                                 .deleted = 4,
                                 .skipped = 5,
                                 .duplicates = 6,
                                 .deleted_absent = 7}};
  WriteState(runner, kDialect, kTarget, row,
             {.notice_rows = 8,
              .manifest_rows = 9,
              .footer_rows = 10,
              .loaded_rows = 11,
              .parts = 12,
              .manifest_bytes = 13,
              .fetched_bytes = 14},
             now);
  ASSERT_EQ(runner.changed.size(), 2U);
  EXPECT_EQ(runner.changed[0].text, "DELETE FROM _sluice.state WHERE stream = $1");
  EXPECT_EQ(AsText(runner.changed[0].values.at(0)), "sales.orders");
  const std::map<std::string, std::string> expected{{"stream", "sales.orders"},
                                                    {"target_schema", "sales"},
                                                    {"target_table", "orders_here"},
                                                    {"write_mode", "append"},
                                                    {"run", "r1"},
                                                    {"attempt", "a1"},
                                                    {"watermark", "77"},
                                                    {"inserted", "1"},
                                                    {"updated", "2"},
                                                    {"unchanged", "3"},
                                                    {"deleted", "4"},
                                                    {"skipped", "5"},
                                                    {"notice_rows", "8"},
                                                    {"manifest_rows", "9"},
                                                    {"footer_rows", "10"},
                                                    {"loaded_rows", "11"},
                                                    {"parts", "12"},
                                                    {"manifest_bytes", "13"},
                                                    {"fetched_bytes", "14"},
                                                    {"committed_at", "5000000"},
                                                    {"cursor", "changed_at"},
                                                    {"duplicates", "6"},
                                                    {"keys_compared", "3000000"},
                                                    {"deleted_absent", "7"},
                                                    {"columns", "[\"n\",\"it's\"]"},
                                                    {"shape", "5a"}};
  EXPECT_EQ(Inserted(runner.changed[1]), expected);
}

TEST(StateTable, WhatIsNotKnownIsNull) {
  ScriptedRunner runner;
  WriteState(runner, kDialect, kTarget, {}, {}, base::UtcTime());
  const auto row = Inserted(runner.changed.at(1));
  for (const char* name : {"watermark", "notice_rows", "cursor", "keys_compared", "shape"}) {
    EXPECT_EQ(row.at(name), "NULL") << name;
  }
}

TEST(StateTable, IsMadeWithAllItsColumns) {
  const auto statements = StateTableText(kDialect, {});
  ASSERT_EQ(statements.size(), 1U);
  EXPECT_THAT(statements[0], HasSubstr("CREATE TABLE _sluice.state (stream text KEY, "
                                       "target_schema text NOT NULL"));
  EXPECT_THAT(statements[0], HasSubstr("watermark text, inserted count NOT NULL"));
  EXPECT_THAT(statements[0], HasSubstr("committed_at time NOT NULL, cursor text, "));
  for (const std::string& name : AllStateColumns()) {
    EXPECT_THAT(statements[0], HasSubstr(name + " "));
  }
}

TEST(StateTable, OfAnEarlierVersionGetsWhatItLacks) {
  StateColumns columns = AllStateColumns();
  EXPECT_THAT(StateTableText(kDialect, columns), IsEmpty());
  columns.erase(std::find(columns.begin(), columns.end(), "duplicates"));
  columns.pop_back();
  EXPECT_THAT(StateTableText(kDialect, columns),
              ElementsAre("ALTER TABLE _sluice.state ADD COLUMN IF NOT EXISTS duplicates count",
                          "ALTER TABLE _sluice.state ADD COLUMN IF NOT EXISTS shape text"));
}

TEST(StateTable, OfAnEarlierVersionIsRead) {
  ScriptedRunner runner;
  runner.answers = {{.part = "SELECT run",
                     .rows = {{"r1", "a1", "77", "1", "2", "3", "4", "5", std::nullopt,
                               std::nullopt, std::nullopt, std::nullopt, std::nullopt}}}};
  const auto found = ReadState(runner, kDialect, {"stream", "run"}, "sales.orders");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->watermark.value, "77");
  EXPECT_EQ(found->counts.skipped, 5U);
  EXPECT_FALSE(found->watermark.cursor);
  for (const char* later : {"cursor", "us(", "duplicates", "deleted_absent", "shape"}) {
    EXPECT_THAT(runner.asked.at(0).text, Not(HasSubstr(later)));
  }
  EXPECT_EQ(ReadLastColumns(runner, kDialect, {"stream", "run"}, "sales.orders"), std::nullopt);
}

TEST(StateTable, OfThisVersionIsReadInFull) {
  ScriptedRunner runner;
  runner.answers = {
      {.part = "SELECT run",
       .rows = {{"r1", "a1", "77", "1", "2", "3", "4", "5", "c", "3000000", "6", "7", "5a"}}},
      {.part = "\"columns\"", .rows = {{"[\"n\"]"}}}};
  const auto found = ReadState(runner, kDialect, AllStateColumns(), "sales.orders");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->watermark.cursor, "c");
  EXPECT_EQ(found->watermark.keys_compared, base::UtcTime(std::chrono::seconds(3)));
  EXPECT_EQ(found->counts.duplicates, 6U);
  EXPECT_EQ(found->counts.deleted_absent, 7U);
  EXPECT_EQ(found->watermark.shape, "5a");
  EXPECT_THAT(runner.asked.at(0).text,
              HasSubstr("us(keys_compared), duplicates, deleted_absent, shape "
                        "FROM _sluice.state WHERE stream = $1"));
  EXPECT_EQ(ReadLastColumns(runner, kDialect, AllStateColumns(), "sales.orders"),
            std::vector<std::string>{"n"});
}

TEST(StateTable, WithoutATableOrARowThereIsNoCommit) {
  ScriptedRunner runner;
  EXPECT_FALSE(ReadState(runner, kDialect, {}, "sales.orders"));
  EXPECT_TRUE(runner.asked.empty());
  EXPECT_FALSE(ReadState(runner, kDialect, AllStateColumns(), "sales.orders"));
  EXPECT_FALSE(ReadLastColumns(runner, kDialect, AllStateColumns(), "sales.orders"));
}

TEST(StateTable, ForgettingRemovesTheStreamsRowAlone) {
  ScriptedRunner runner;
  ForgetState(runner, kDialect, "sales.orders");
  ASSERT_EQ(runner.changed.size(), 1U);
  EXPECT_EQ(runner.changed[0].text, "DELETE FROM _sluice.state WHERE stream = $1");
}

}  // namespace
}  // namespace sluice::destinations::sql
