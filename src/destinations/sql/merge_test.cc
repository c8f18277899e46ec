// Goal: what a merge must prove before anything of it is committed, whatever the engine: keys have
// values and come once, every row that came is counted, no more rows go than are allowed, and the
// statements did what the counts say.
#include "destinations/sql/merge.h"

#include <gmock/gmock.h>

#include "destinations/sql/testing/plain_dialect.h"
#include "tests/support/matchers.h"

namespace sluice::destinations::sql {
namespace {

using base::ErrorCode;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

model::StreamTarget Target(bool complete) {
  return {.stream = "sales.orders",
          .table = {"sales", "orders"},
          .columns = {{"n", {.kind = model::TypeKind::kInt64}},
                      {"c", {.kind = model::TypeKind::kInt64}},
                      {"gone", {.kind = model::TypeKind::kBool}}},
          .write_mode = model::WriteMode::kMerge,
          .primary_key = {"n"},
          .complete = complete,
          .cursor = "c"};
}

MergeText::Place PlaceOf(bool into_empty) {
  return {.table = "t_table",
          .rows = into_empty ? "t_table" : "s_table",
          .keys = "k_table",
          .actions = "a_table",
          .lands_in = {"n", "c", "gone"}};
}

class PlainMerge final : public Merge {
 public:
  using Merge::Merge;
  std::vector<std::string> steps;
  bool keys_are_proved = false;
  bool counts_always = false;
  bool writes_all = true;
  std::uint64_t marked = 0;

 private:
  bool ProveKeys() override { return keys_are_proved; }
  void OnTaken() override { steps.emplace_back("taken"); }
  bool CountsAlways() const override { return counts_always; }
  void BeforeDeletes(std::uint64_t rows) override { marked = rows; }
  bool Write(const ToWrite& rows) override {
    steps.push_back("write " + std::to_string(rows.flagged) + " " + std::to_string(rows.updated) +
                    " " + std::to_string(rows.inserted));
    return writes_all;
  }
};

class MergeTest : public ::testing::Test {
 protected:
  MergeTest() {
    runner_.answers = {{.part = "IS NULL", .rows = {{"0"}}},
                       {.part = "AS n FROM", .rows = {{"0", "0"}}},
                       {.part = "AS repeated", .rows = {{"0"}}},
                       {.part = "SELECT count(*) FROM t_table", .rows = {{"10"}}}};
  }
  // What becomes of the rows, in the order of MergeAction, and how many have a row in the table.
  void Actions(const std::vector<std::optional<std::string>>& counts) {
    runner_.answers.push_back({.part = "WHERE a = 0", .rows = {counts}});
  }
  void Answer(const std::string& part, std::vector<std::optional<std::string>> row,
              std::uint64_t changed = 0) {
    runner_.answers.push_back({.part = part, .rows = {std::move(row)}, .changed = changed});
  }
  PlainMerge& Make(const model::StreamTarget& target, std::uint64_t rows, bool into_empty = false,
                   bool keys = false) {
    target_ = target;
    text_.emplace(dialect_, target_, PlaceOf(into_empty));
    input_.emplace(
        MergeInput{.target = target_, .rows = rows, .into_empty = into_empty, .keys = keys});
    return merge_.emplace(runner_, *text_, *input_);
  }
  std::vector<std::string> Changes() const {
    std::vector<std::string> texts;
    for (const Statement& statement : runner_.changed) texts.push_back(statement.text);
    return texts;
  }

  PlainDialect dialect_;
  ScriptedRunner runner_;
  model::StreamTarget target_;
  std::optional<MergeText> text_;
  std::optional<MergeInput> input_;
  std::optional<PlainMerge> merge_;
};

TEST_F(MergeTest, EveryRowThatCameIsCounted) {
  Actions({"1", "0", "2", "3", "4", "0", "7"});
  PlainMerge& merge = Make(Target(false), 10);
  const model::Counts counts = merge.Run();
  EXPECT_EQ(counts, (model::Counts{.inserted = 2, .updated = 3, .unchanged = 4, .skipped = 1}));
  EXPECT_THAT(merge.steps, ElementsAre("write 0 3 2"));
  EXPECT_EQ(merge.marked, 3U);
}

TEST_F(MergeTest, AKeyWithoutAValueIsRefusedBeforeAnythingIsWritten) {
  Answer("FROM s_table", {"2"});
  EXPECT_THAT([&] { Make(Target(false), 10).Run(); }, test::ThrowsError(ErrorCode::kUnsupported));
  EXPECT_THAT(Changes(), ElementsAre());
}

TEST_F(MergeTest, AScannedKeyWithoutAValueIsRefused) {
  Answer("IS NULL) FROM k_table", {"1"});
  EXPECT_THAT([&] { Make(Target(false), 10, false, true).Run(); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("keys of the key scan")));
}

TEST_F(MergeTest, OfSeveralRowsOfAKeyOneStaysInAnIncompleteMerge) {
  Answer("AS n FROM s_table GROUP", {"1", "3"});
  Answer("DELETE FROM s_table WHERE id IN", {}, 2);
  Actions({"0", "0", "8", "0", "0", "0", "0"});
  const model::Counts counts = Make(Target(false), 10).Run();
  EXPECT_EQ(counts, (model::Counts{.inserted = 8, .skipped = 2, .duplicates = 2}));
}

TEST_F(MergeTest, SeveralRowsOfAKeyAreAnErrorInACompleteMerge) {
  Answer("AS n FROM s_table GROUP", {"1", "3"});
  EXPECT_THAT([&] { Make(Target(true), 10).Run(); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_THAT(Changes(), ElementsAre());
}

TEST_F(MergeTest, AKeyThatStandsTwiceInTheTableIsRefused) {
  Actions({"0", "0", "1", "3", "0", "0", "3"});
  Answer("AS repeated", {"1"});
  PlainMerge& merge = Make(Target(false), 3);
  EXPECT_THAT([&] { merge.Run(); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                    HasSubstr("1 values")));
  EXPECT_THAT(merge.steps, ElementsAre());
}

TEST_F(MergeTest, ACompleteMergeDeletesWhatDidNotCome) {
  Actions({"0", "0", "0", "0", "7", "0", "7"});
  Answer("DELETE FROM t_table AS t", {}, 3);
  runner_.answers.push_back(
      {.part = "SELECT count(*) FROM t_table", .rows = {{"10"}}, .later = {{"7"}}});
  PlainMerge& merge = Make(Target(true), 7);
  EXPECT_EQ(merge.Run(), (model::Counts{.unchanged = 7, .deleted = 3, .deleted_absent = 3}));
  EXPECT_THAT(Changes(), Not(Contains(HasSubstr("k_table"))));
  EXPECT_EQ(merge.marked, 3U);
}

TEST_F(MergeTest, ScannedKeysSayWhatIsStillThere) {
  Actions({"0", "0", "0", "1", "0", "0", "1"});
  Answer("IS NULL) FROM k_table", {"0"});
  PlainMerge& merge = Make(Target(false), 1, false, true);
  EXPECT_EQ(merge.Run().deleted, 0U);
  EXPECT_THAT(Changes(), Contains(HasSubstr("FROM k_table AS k WHERE k.c0 = t.n")));
}

TEST_F(MergeTest, MoreDeletesThanAllowedAreRefusedBeforeRowsAreWritten) {
  Actions({"0", "0", "0", "1", "0", "0", "1"});
  Answer("DELETE FROM t_table AS t", {}, 9);
  model::StreamTarget target = Target(true);
  target.deletes.share_rows_min = 0;
  PlainMerge& merge = Make(target, 1);
  EXPECT_THAT([&] { merge.Run(); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_THAT(merge.steps, ElementsAre());
}

TEST_F(MergeTest, StatementsThatTouchOtherRowsThanCountedAreCorrupt) {
  Actions({"0", "0", "2", "0", "0", "0", "0"});
  PlainMerge& merge = Make(Target(false), 2);
  merge.writes_all = false;
  EXPECT_THAT([&] { merge.Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(MergeTest, ATableThatDidNotChangeAsCountedIsCorrupt) {
  Actions({"0", "0", "2", "0", "0", "0", "0"});
  PlainMerge& merge = Make(Target(false), 2);
  merge.counts_always = true;
  EXPECT_THAT([&] { merge.Run(); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::message,
                                    HasSubstr("the table had 10 rows and would have 10")));
}

TEST_F(MergeTest, RowsThatNobodyClassifiedAreCorrupt) {
  Actions({"0", "0", "2", "0", "0", "0", "0"});
  EXPECT_THAT([&] { Make(Target(false), 3).Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(MergeTest, IntoAnEmptyTableNothingIsCompared) {
  PlainMerge& merge = Make(Target(true), 5, true);
  EXPECT_EQ(merge.Run(), (model::Counts{.inserted = 5}));
  EXPECT_THAT(merge.steps, ElementsAre("taken"));
  EXPECT_THAT(Changes(), ElementsAre());
}

TEST_F(MergeTest, FlaggedRowsOfAnEmptyTableAreSkippedAndTheTableCounted) {
  Answer("DELETE FROM t_table WHERE coalesce(gone, false)", {}, 2);
  Answer("SELECT count(*) FROM t_table", {"3"});
  model::StreamTarget target = Target(true);
  target.deletes.column = "gone";
  EXPECT_EQ(Make(target, 5, true).Run(), (model::Counts{.inserted = 3, .skipped = 2}));
  Answer("SELECT count(*) FROM t_table", {"4"});
  EXPECT_THAT([&] { Make(target, 5, true).Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(MergeTest, AnEngineThatProvesItsKeysIsNotAskedAgain) {
  PlainMerge& merge = Make(Target(true), 5, true);
  merge.keys_are_proved = true;
  EXPECT_EQ(merge.Run().inserted, 5U);
  EXPECT_THAT(merge.steps, ElementsAre());
  EXPECT_TRUE(runner_.asked.empty());
}

// Under history the same steps, but for what is written.
class VersionsTest : public MergeTest {
 protected:
  static model::StreamTarget Versions(bool complete) {
    model::StreamTarget target = Target(complete);
    target.write_mode = model::WriteMode::kHistory;
    target.columns[1].type = {.kind = model::TypeKind::kTimestamp};
    target.as_of = base::UtcTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)) +
                   std::chrono::microseconds(1'500'000);
    return target;
  }
  // Of all versions, and of current ones.
  void There(const std::string& rows, const std::string& current, const std::string& rows_later,
             const std::string& current_later) {
    runner_.answers.push_back({.part = "count(*), count(*) FILTER (WHERE _is_current) FROM t_table",
                               .rows = {{rows, current}},
                               .later = {{rows_later, current_later}}});
  }
};

TEST_F(VersionsTest, EndsVersionsAndAddsOthers) {
  Actions({"1", "1", "2", "3", "4", "0", "8"});
  There("20", "10", "25", "11");
  Answer("SET _valid_to = x.m", {}, 4);
  Answer("INSERT INTO t_table", {}, 5);
  model::StreamTarget target = Versions(false);
  target.deletes.column = "gone";
  PlainMerge& merge = Make(target, 11);
  EXPECT_EQ(
      merge.Run(),
      (model::Counts{.inserted = 2, .updated = 3, .unchanged = 4, .deleted = 1, .skipped = 1}));
  EXPECT_THAT(merge.steps, ElementsAre());
  EXPECT_THAT(Changes(),
              ElementsAre(AllOf(HasSubstr("WHEN s.c1 < t.c AND moment(t.c) <= TIMESTAMP "
                                          "'2026-01-31 00:00:01.500000' THEN 0"),
                                HasSubstr("ON s.c0 = t.n AND t._is_current")),
                          HasSubstr("SET m = greatest("), HasSubstr("SET _valid_to = x.m"),
                          HasSubstr("_valid_from, _valid_to, _is_current) SELECT s.c0, s.c1, s.c2, "
                                    "x.m, NULL, true FROM s_table")));
}

TEST_F(VersionsTest, WhatIsAbsentEndsAndNothingIsDeletedOrLate) {
  Actions({"0", "0", "0", "0", "7", "0", "7"});
  There("30", "10", "30", "7");
  Answer("UPDATE t_table AS t SET _valid_to = coalesce(greatest(", {}, 3);
  EXPECT_EQ(Make(Versions(true), 7).Run(),
            (model::Counts{.unchanged = 7, .deleted = 3, .deleted_absent = 3}));
  EXPECT_THAT(Changes(), Not(Contains(AnyOf(HasSubstr("DELETE"), HasSubstr("s.c1 < t.c")))));
}

TEST_F(VersionsTest, VersionsThatGoMissingAreCorrupt) {
  Actions({"0", "0", "0", "1", "6", "0", "7"});
  Answer("SET _valid_to = x.m", {}, 1);
  Answer("INSERT INTO t_table", {}, 1);
  There("30", "7", "30", "7");  // the one that ended is gone
  EXPECT_THAT([&] { Make(Versions(true), 7).Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
  There("30", "7", "31", "8");  // it goes on
  EXPECT_THAT([&] { Make(Versions(true), 7).Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
  Answer("SET _valid_to = x.m", {}, 2);
  There("30", "7", "31", "7");
  EXPECT_THAT([&] { Make(Versions(true), 7).Run(); }, test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(VersionsTest, TheShareOfDeletesIsOfWhatIsCurrent) {
  Actions({"0", "0", "0", "0", "7", "0", "7"});
  There("1000", "100", "1000", "7");
  Answer("UPDATE t_table AS t SET _valid_to = coalesce(", {}, 93);
  EXPECT_THAT([&] { Make(Versions(true), 7).Run(); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                    HasSubstr("93 of the table's 100 rows")));
}

TEST_F(VersionsTest, TwoCurrentVersionsOfAKeyAreRefused) {
  Actions({"0", "0", "1", "3", "0", "0", "3"});
  Answer("AS repeated", {"1"});
  EXPECT_THAT([&] { Make(Versions(false), 3).Run(); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                    HasSubstr("more than one current version")));
}

}  // namespace
}  // namespace sluice::destinations::sql
