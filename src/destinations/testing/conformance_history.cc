// Goal: a table that keeps history has one row for each version of a key, by content; no version is
// lost, changed or empty, and no two of a key hold at one time.
#include <gmock/gmock.h>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::Counts;
using model::StreamTarget;
using model::Type;
using model::TypeKind;
using model::WriteMode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

// Noon of that day of January 2026.
base::UtcTime Noon(int day) {
  return base::UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / day)) +
         std::chrono::hours(12);
}

auto Refuses(ErrorCode code, const std::string& text) {
  return test::ThrowsErrorWith(code, &base::ErrorInfo::message, HasSubstr(text));
}

}  // namespace

StreamTarget History::VersionsOf(int day, bool complete) {
  StreamTarget target = Target(WriteMode::kHistory);
  target.columns = {{"n", {TypeKind::kInt64}},
                    {"t", {TypeKind::kVarchar}},
                    {"c", {TypeKind::kTimestamp}},
                    {"d", {TypeKind::kBool}}};
  target.primary_key = {"n"};
  target.cursor = "c";
  target.complete = complete;
  target.as_of = Noon(day);
  target.deletes.share_max = std::nullopt;
  return target;
}

std::vector<model::LocalPart> History::At(const std::string& rows) {
  if (rows.empty()) return {};
  return {harness_->MakePart(
      fmt::format("h{}", ++parts_),
      fmt::format("SELECT CAST(n AS BIGINT) AS n, CAST(t AS VARCHAR) AS t, TIMESTAMP '2026-01-01' "
                  "+ to_days(CAST(c - 1 AS INTEGER)) AS c, CAST(d AS BOOLEAN) AS d FROM (VALUES "
                  "{}) AS v(n, t, c, d)",
                  rows))};
}

Counts History::Keep(const StreamTarget& target, const std::string& rows) {
  return Bring(target, At(rows));
}

// "1|a|3|false|3|5 12|false": times by their day of January, with an hour only where it is not 0.
std::vector<std::string> History::Versions() {
  std::vector<std::string> rows = There().value_or(std::vector<std::string>{"no table"});
  for (std::string& row : rows) {
    for (const auto& [long_form, short_form] :
         {std::pair{"2026-01-0", ""}, {"2026-01-", ""}, {":00:00", ""}, {" 00", ""}}) {
      for (auto at = row.find(long_form); at != std::string::npos; at = row.find(long_form)) {
        row.replace(at, std::string_view(long_form).size(), short_form);
      }
    }
  }
  return rows;
}

TEST_P(History, AVersionHoldsFromItsCursorToThatOfTheNext) {
  EXPECT_EQ(Keep(VersionsOf(5), "(1, 'a', 1, false), (2, 'b', 2, false)"), (Counts{.inserted = 2}));
  EXPECT_EQ(Keep(VersionsOf(6), "(1, 'A', 3, false), (2, 'b', 2, false), (3, 'c', 3, false)"),
            (Counts{.inserted = 1, .updated = 1, .unchanged = 1}));
  EXPECT_THAT(Versions(), ElementsAre("1|A|3|false|3|NULL|true", "1|a|1|false|1|3|false",
                                      "2|b|2|false|2|NULL|true", "3|c|3|false|3|NULL|true"));
  EXPECT_THAT(harness_->ColumnNames(*destination_, kTable),
              ElementsAre("n", "t", "c", "d", "_valid_from", "_valid_to", "_is_current"));
}

TEST_P(History, WhatComesAgainOrLateChangesNothing) {
  Keep(VersionsOf(5), "(1, 'a', 1, false), (2, 'b', 4, false)");
  Keep(VersionsOf(6), "(1, 'A', 3, false)");
  const auto versions = Versions();
  EXPECT_EQ(Keep(VersionsOf(7), "(1, 'A', 3, false), (2, 'b', 4, false)"),
            (Counts{.unchanged = 2}));
  EXPECT_EQ(Keep(VersionsOf(8), "(1, 'a', 1, false), (2, 'x', 3, false)"), (Counts{.skipped = 2}));
  StreamTarget target = VersionsOf(9);
  target.deletes.column = "d";
  EXPECT_EQ(Keep(target, "(2, 'b', 2, true)"), (Counts{.skipped = 1}));
  EXPECT_EQ(Versions(), versions);
  EXPECT_EQ(Keep(VersionsOf(9), ""), Counts{});
  EXPECT_EQ(Versions(), versions);
}

// What is read in full is what the source holds now, whatever its rows are dated.
TEST_P(History, ACompleteReadEndsWhatIsAbsentAndKeepsIt) {
  Keep(VersionsOf(5, true), "(1, 'a', 1, false), (2, 'b', 2, false), (3, 'c', 3, false)");
  EXPECT_EQ(Keep(VersionsOf(6, true), "(1, 'a', 1, false), (2, 'older', 1, false)"),
            (Counts{.updated = 1, .unchanged = 1, .deleted = 1, .deleted_absent = 1}));
  EXPECT_THAT(Versions(),
              ElementsAre("1|a|1|false|1|NULL|true", "2|b|2|false|2|6 12|false",
                          "2|older|1|false|6 12|NULL|true", "3|c|3|false|3|6 12|false"));
  EXPECT_EQ(Keep(VersionsOf(7, true), ""), (Counts{.deleted = 2, .deleted_absent = 2}));
  EXPECT_EQ(Versions().size(), 4U);
}

TEST_P(History, AFlaggedRowEndsItsVersionAndAKeyThatComesBackHasANewOne) {
  StreamTarget target = VersionsOf(5);
  target.deletes.column = "d";
  EXPECT_EQ(Keep(target, "(1, 'a', 1, false), (2, 'b', 1, true), (3, 'c', 1, NULL)"),
            (Counts{.inserted = 2, .skipped = 1}));
  target.as_of = Noon(6);
  EXPECT_EQ(Keep(target, "(1, 'a', 3, true), (2, 'b', 3, true)"),
            (Counts{.deleted = 1, .skipped = 1}));
  target.as_of = Noon(7);
  EXPECT_EQ(Keep(target, "(1, 'a', 3, true)"), (Counts{.skipped = 1}));
  EXPECT_EQ(Keep(target, "(1, 'again', 4, false)"), (Counts{.inserted = 1}));
  EXPECT_THAT(Versions(), ElementsAre("1|again|4|false|4|NULL|true", "1|a|1|false|1|3|false",
                                      "3|c|1|NULL|1|NULL|true"));
}

TEST_P(History, FlaggedRowsThatStayAreVersions) {
  StreamTarget target = VersionsOf(5);
  target.deletes.column = "d";
  target.deletes.keep_flagged = true;
  Keep(target, "(1, 'a', 1, false)");
  EXPECT_EQ(Keep(target, "(1, 'a', 3, true)"), (Counts{.updated = 1}));
  EXPECT_THAT(Versions(), ElementsAre("1|a|1|false|1|3|false", "1|a|3|true|3|NULL|true"));
}

TEST_P(History, KeysThatTheSourceNoLongerHasEnd) {
  Keep(VersionsOf(5), "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)");
  EXPECT_EQ(Bring(VersionsOf(6), At("(1, 'A', 2, false)"), {Keys("(2), (9)")}),
            (Counts{.updated = 1, .deleted = 1, .deleted_absent = 1}));
  EXPECT_THAT(Versions(), ElementsAre("1|A|2|false|2|NULL|true", "1|a|1|false|1|2|false",
                                      "2|b|1|false|1|NULL|true", "3|c|1|false|1|6 12|false"));
  // It comes back with a time that lies before its end, as of a transaction that ended late.
  EXPECT_EQ(Keep(VersionsOf(7), "(3, 'c', 2, false)"), (Counts{.inserted = 1}));
  EXPECT_THAT(Versions(), ::testing::Contains("3|c|2|false|7 12|NULL|true"));
  EXPECT_EQ(Bring(VersionsOf(8), {}, {{}}), (Counts{.deleted = 3, .deleted_absent = 3}));
  EXPECT_EQ(Versions().size(), 5U);
}

TEST_P(History, NoVersionIsEmptyOrBeginsAfterItWasSeen) {
  // Without a value, from the future, and changed without another value.
  Keep(VersionsOf(5), "(1, 'a', NULL, false), (2, 'b', 20, false), (3, 'c', 3, false)");
  EXPECT_EQ(Keep(VersionsOf(6), "(1, 'A', NULL, false), (3, 'C', 3, false)").updated, 2U);
  // The clock stands still, or goes back.
  EXPECT_EQ(Keep(VersionsOf(6), "(3, 'D', 3, false)").updated, 1U);
  EXPECT_EQ(Keep(VersionsOf(4), "(3, 'E', 3, false)").updated, 1U);
  EXPECT_THAT(Versions(),
              ElementsAre("1|A|NULL|false|6 12|NULL|true", "1|a|NULL|false|5 12|6 12|false",
                          "2|b|20|false|5 12|NULL|true", "3|C|3|false|6 12|6 12.000001|false",
                          "3|D|3|false|6 12.000001|6 12.000002|false",
                          "3|E|3|false|6 12.000002|NULL|true", "3|c|3|false|3|6 12|false"));
}

TEST_P(History, ARowWithATimeFollowsOneWithout) {
  Keep(VersionsOf(5), "(1, 'a', NULL, false)");
  EXPECT_EQ(Keep(VersionsOf(6), "(1, 'a', 2, false)").updated, 1U);  // seen on the 5th
  EXPECT_EQ(Keep(VersionsOf(7), "(1, 'a', NULL, false)").updated, 1U);
  EXPECT_THAT(Versions(),
              ElementsAre("1|a|2|false|6 12|7 12|false", "1|a|NULL|false|5 12|6 12|false",
                          "1|a|NULL|false|7 12|NULL|true"));
}

TEST_P(History, WhatHasNoValueEqualsWhatHasNone) {
  Keep(VersionsOf(5), "(1, NULL, 1, NULL), (2, 'b', 1, false)");
  EXPECT_EQ(Keep(VersionsOf(6), "(1, NULL, 1, NULL), (2, NULL, 1, false)"),
            (Counts{.updated = 1, .unchanged = 1}));
  EXPECT_EQ(Keep(VersionsOf(7), "(1, NULL, 1, false)"), (Counts{.updated = 1}));
}

TEST_P(History, TimesOfOtherTypesAreTakenInUtc) {
  const std::pair<Type, std::string> types[] = {
      {{TypeKind::kDate}, "DATE '2026-01-03'"},
      {{TypeKind::kTimestampTz}, "TIMESTAMP '2026-01-03 00:00:00'"},
      {{TypeKind::kInt64}, "CAST(3 AS BIGINT)"}};
  int number = 0;
  for (const auto& [type, value] : types) {
    SCOPED_TRACE(value);
    StreamTarget target = VersionsOf(5);
    target.table.table = fmt::format("t{}", ++number);
    target.columns = {{"n", {TypeKind::kInt64}}, {"c", type}};
    Bring(target, {harness_->MakePart("c" + std::to_string(number),
                                      "SELECT CAST(1 AS BIGINT) AS n, " + value + " AS c")});
    const auto rows = harness_->Read(*destination_, target.table);
    const std::string from = type.kind == TypeKind::kInt64 ? "|2026-01-05 12:00:00|NULL|true"
                                                           : "|2026-01-03 00:00:00|NULL|true";
    EXPECT_THAT(rows, Optional(ElementsAre(HasSubstr(from))));
  }
}

TEST_P(History, WithoutACursorAVersionBeginsWhenItWasRead) {
  StreamTarget target = VersionsOf(5, true);
  target.cursor.reset();
  Keep(target, "(1, 'a', 1, false)");
  target.as_of = Noon(6);
  EXPECT_EQ(Keep(target, "(1, 'b', 1, false)"), (Counts{.updated = 1}));
  EXPECT_THAT(Versions(), ElementsAre("1|a|1|false|5 12|6 12|false", "1|b|1|false|6 12|NULL|true"));
}

TEST_P(History, OfTwoRowsWithOneKeyTheNewestIsTheVersion) {
  const std::string rows = "(1, 'old', 1, false), (1, 'new', 3, false), (1, 'none', NULL, false)";
  const Counts counts{.inserted = 1, .skipped = 2, .duplicates = 2};
  EXPECT_EQ(Keep(VersionsOf(5), rows), counts);
  EXPECT_THAT(Versions(), ElementsAre("1|new|3|false|3|NULL|true"));
  EXPECT_THAT([&] { Keep(VersionsOf(6, true), rows); },
              Refuses(ErrorCode::kConflict, "come more than once"));
  StreamTarget newest = VersionsOf(6, true);
  newest.allow_duplicate_keys = true;
  EXPECT_EQ(Keep(newest, rows), (Counts{.unchanged = 1, .skipped = 2, .duplicates = 2}));
}

TEST_P(History, AColumnMakesVersionsOnlyOfRowsThatHaveAValueInIt) {
  Keep(VersionsOf(5, true), "(1, 'a', 1, false), (2, 'b', 1, false)");
  StreamTarget target = VersionsOf(6, true);
  target.columns.insert(target.columns.begin(), {"u", {TypeKind::kInt32}});
  const auto bring = [&](int day, const std::string& u, const std::string& type) {
    target.as_of = Noon(day);
    return Bring(target, {harness_->MakePart(
                             fmt::format("u{}", day),
                             fmt::format("SELECT CAST({} AS {}) AS u, CAST(range AS BIGINT) AS n, "
                                         "chr(CAST(96 + range AS INTEGER)) AS t, TIMESTAMP "
                                         "'2026-01-01' AS c, false AS d FROM range(1, 3)",
                                         u, type))});
  };
  EXPECT_EQ(bring(6, "NULL", "INTEGER"), (Counts{.unchanged = 2}));
  EXPECT_EQ(bring(7, "CASE range WHEN 1 THEN 7 END", "INTEGER"),
            (Counts{.updated = 1, .unchanged = 1}));
  // Wider, with the same values.
  target.columns.front().type = {TypeKind::kInt64};
  EXPECT_EQ(bring(8, "CASE range WHEN 1 THEN 7 END", "BIGINT"), (Counts{.unchanged = 2}));
  // Gone: that makes no version either.
  EXPECT_EQ(Keep(VersionsOf(9, true), "(1, 'a', 1, false), (2, 'B', 1, false)"),
            (Counts{.updated = 1, .unchanged = 1}));
  EXPECT_THAT(harness_->ColumnNames(*destination_, kTable),
              ElementsAre("n", "t", "c", "d", "_valid_from", "_valid_to", "_is_current", "u"));
  EXPECT_THAT(Versions(),
              ElementsAre("1|a|1|false|1|7 12|false|NULL", "1|a|1|false|7 12|NULL|true|7",
                          "2|B|1|false|9 12|NULL|true|NULL", "2|b|1|false|1|9 12|false|NULL"));
}

TEST_P(History, MoreVersionsThanAllowedNeverEndUnasked) {
  Keep(VersionsOf(5, true), "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)");
  Keep(VersionsOf(6, true), "(1, 'A', 2, false), (2, 'B', 2, false), (3, 'C', 2, false)");
  StreamTarget target = VersionsOf(7, true);
  target.deletes.share_max = 0.5;
  target.deletes.share_rows_min = 0;
  // Of 3 rows that are current, not of 6 that are there.
  EXPECT_THAT([&] { Keep(target, "(1, 'A', 2, false)"); },
              Refuses(ErrorCode::kConflict, "2 of the table's 3 rows"));
  EXPECT_EQ(Keep(target, "(1, 'A', 2, false), (2, 'B', 2, false)").deleted, 1U);
}

TEST_P(History, ColumnsOfItsNamesAreRefusedBeforeAnythingIsRead) {
  for (const char* name : {"_valid_from", "_valid_to", "_is_current", "_Valid_From"}) {
    const bool same = harness_->IgnoresCase() || std::string_view(name) != "_Valid_From";
    StreamTarget target = VersionsOf(5);
    target.columns.push_back({name, {TypeKind::kInt64}});
    if (same) {
      EXPECT_THAT([&] { destination_->Examine(target, kCall); },
                  test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::remedy,
                                        HasSubstr("rename it in a query")));
      EXPECT_THAT([&] { destination_->Begin(target, kCall); },
                  Refuses(ErrorCode::kUnsupported, name));
    } else {
      destination_->Examine(target, kCall);
    }
  }
}

TEST_P(History, ATableThatKeepsHistoryAndOneThatDoesNotAreNotMixed) {
  StreamTarget plain = VersionsOf(5);
  plain.write_mode = WriteMode::kOverwrite;
  Keep(plain, "(1, 'a', 1, false)");
  const auto refused = [&](const StreamTarget& target, const std::string& text) {
    EXPECT_THAT([&] { destination_->Examine(target, kCall); },
                AllOf(Refuses(ErrorCode::kUnsupported, text)));
    EXPECT_THAT([&] { destination_->Begin(target, kCall); },
                test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::reason,
                                      ::testing::Eq("history_table")));
  };
  refused(VersionsOf(6), "without history");
  StreamTarget kept = VersionsOf(5);
  kept.table.table = "kept";
  Keep(kept, "(1, 'a', 1, false)");
  for (const auto mode : {WriteMode::kOverwrite, WriteMode::kAppend, WriteMode::kMerge}) {
    StreamTarget other = kept;
    other.write_mode = mode;
    refused(other, "it keeps the history of its rows");
  }
  destination_->Examine(kept, kCall);
}

TEST_P(History, TwoCurrentVersionsOfAKeyAreRefused) {
  StreamTarget both = VersionsOf(5);
  both.primary_key = {"n", "t"};
  Keep(both, "(1, 'a', 1, false), (1, 'b', 1, false)");
  EXPECT_THAT([&] { Keep(VersionsOf(6), "(1, 'c', 2, false)"); },
              Refuses(ErrorCode::kConflict, "1 values of the primary key (n) have more than one"));
}

TEST_P(History, AKeyWithoutAValueIsRefused) {
  EXPECT_THAT([&] { Keep(VersionsOf(5), "(NULL, 'a', 1, false)"); },
              Refuses(ErrorCode::kUnsupported, "column n in 1 rows"));
  EXPECT_EQ(There(), std::nullopt);
}

TEST_P(History, TheSameAttemptIsCommittedOnce) {
  const StreamTarget target = VersionsOf(5);
  const auto parts = At("(1, 'a', 1, false)");
  Counts counts[2];
  for (Counts& one : counts) {
    auto load = destination_->Begin(target, kCall);
    const LoadedRows rows = AddAll(*load, parts);
    one = load->Commit(Mark("same"), ProofOf(rows), kCall);
  }
  EXPECT_EQ(counts[0], counts[1]);
  EXPECT_THAT(Versions(), ElementsAre("1|a|1|false|1|NULL|true"));
}

}  // namespace sluice::destinations
