// Goal: a merge leaves exactly the rows it should, says exactly what it changed, and changes
// nothing when it must not.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::Counts;
using model::StreamTarget;
using model::TypeKind;
using model::WriteMode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

}  // namespace

StreamTarget Merging::MergeTarget(bool complete) {
  StreamTarget target = Target(WriteMode::kMerge);
  target.columns = {{"n", {TypeKind::kInt64}},
                    {"t", {TypeKind::kVarchar}},
                    {"c", {TypeKind::kInt64}},
                    {"d", {TypeKind::kBool}}};
  target.primary_key = {"n"};
  target.cursor = "c";
  target.complete = complete;
  return target;
}

void Merging::SetUp() {
  Conformance::SetUp();
  destination_ = harness_->Open();
  ASSERT_TRUE(destination_->Describe().merge);
}

void Merging::TearDown() {
  if (destination_) destination_->Close();
  destination_.reset();
  Conformance::TearDown();
}

std::vector<model::LocalPart> Merging::Rows(const std::string& rows) {
  if (rows.empty()) return {};
  return {harness_->MakePart(
      fmt::format("p{}", ++parts_),
      fmt::format("SELECT CAST(n AS BIGINT) AS n, CAST(t AS VARCHAR) AS t, CAST(c AS BIGINT) AS "
                  "c, CAST(d AS BOOLEAN) AS d FROM (VALUES {}) AS v(n, t, c, d)",
                  rows))};
}

std::vector<model::LocalPart> Merging::Keys(const std::string& keys) {
  return {harness_->MakePart(
      fmt::format("p{}", ++parts_),
      fmt::format("SELECT CAST(n AS BIGINT) AS n FROM (VALUES {}) AS v(n)", keys))};
}

Counts Merging::Bring(const StreamTarget& target, const std::vector<model::LocalPart>& parts,
                      const std::vector<std::vector<model::LocalPart>>& keys) {
  auto load = destination_->Begin(target, kCall);
  const LoadedRows rows = AddAll(*load, parts);
  for (const auto& some : keys) load->AddKeys(some, kCall);
  return load->Commit(Mark(fmt::format("m{}", ++attempts_)), ProofOf(rows), kCall);
}

Counts Merging::Bring(const StreamTarget& target, const std::string& rows) {
  return Bring(target, Rows(rows));
}

std::optional<std::vector<std::string>> Merging::There() {
  return harness_->Read(*destination_, kTable);
}

TEST_P(Merging, InsertsUpdatesAndLeavesTheRest) {
  EXPECT_EQ(Bring(MergeTarget(), "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)"),
            (Counts{.inserted = 3}));
  EXPECT_EQ(Bring(MergeTarget(), "(2, 'B', 2, false), (3, 'c', 1, false), (4, 'd', 2, false)"),
            (Counts{.inserted = 1, .updated = 1, .unchanged = 1}));
  EXPECT_THAT(There(),
              Optional(ElementsAre("1|a|1|false", "2|B|2|false", "3|c|1|false", "4|d|2|false")));
  EXPECT_EQ(Bring(MergeTarget(), ""), Counts{});
  EXPECT_EQ(destination_->ReadCommitted("sales.numbers", kCall)->counts, Counts{});
}

TEST_P(Merging, AStampOfTheReadMakesNoChangeOfARow) {
  StreamTarget target = MergeTarget();
  target.columns[1].stamp = true;
  Bring(target, "(1, 'first', 1, false), (2, 'first', 1, false)");
  EXPECT_EQ(Bring(target, "(1, 'second', 1, false), (2, 'second', 2, false)"),
            (Counts{.updated = 1, .unchanged = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|first|1|false", "2|second|2|false")));
}

TEST_P(Merging, RowsOfSeveralPartsAreOneBatch) {
  Bring(MergeTarget(), "(1, 'a', 1, false)");
  std::vector<model::LocalPart> parts = Rows("(1, 'new', 3, false), (2, 'b', 1, false)");
  parts.push_back(Rows("(1, 'old', 2, false), (3, 'c', 1, false)").front());
  EXPECT_EQ(Bring(MergeTarget(), parts),
            (Counts{.inserted = 2, .updated = 1, .skipped = 1, .duplicates = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|new|3|false", "2|b|1|false", "3|c|1|false")));
}

TEST_P(Merging, ACompleteMergeRemovesKeysThatAreAbsent) {
  Bring(MergeTarget(true), "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)");
  EXPECT_EQ(
      Bring(MergeTarget(true), "(1, 'a', 1, false), (3, 'C', 1, false), (4, 'd', 1, false)"),
      (Counts{.inserted = 1, .updated = 1, .unchanged = 1, .deleted = 1, .deleted_absent = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false", "3|C|1|false", "4|d|1|false")));
}

TEST_P(Merging, OfTwoRowsWithOneKeyTheGreatestCursorWins) {
  const std::string rows =
      "(1, 'old', 1, false), (1, 'new', 10, false), (1, 'none', NULL, false), "
      "(2, 'same', 4, false), (2, 'same', 4, false)";
  // Into a table that is not there yet, and into one that is.
  EXPECT_EQ(Bring(MergeTarget(), rows), (Counts{.inserted = 2, .skipped = 3, .duplicates = 3}));
  EXPECT_EQ(Bring(MergeTarget(), rows), (Counts{.unchanged = 2, .skipped = 3, .duplicates = 3}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|new|10|false", "2|same|4|false")));
}

TEST_P(Merging, OfEqualCursorsTheChoiceDoesNotDependOnTheOrder) {
  const std::string one = "(1, 'x', 5, false)";
  const std::string two = "(1, 'y', 5, false)";
  Bring(MergeTarget(), one + ", " + two);
  const auto chosen = There();
  EXPECT_EQ(Bring(MergeTarget(), two + ", " + one).unchanged, 1u);
  std::vector<model::LocalPart> parts = Rows(two);
  parts.push_back(Rows(one).front());
  EXPECT_EQ(Bring(MergeTarget(), parts).unchanged, 1u);
  EXPECT_EQ(There(), chosen);
}

TEST_P(Merging, OfEqualCursorsTheDeletedOneWins) {
  StreamTarget target = MergeTarget();
  target.deletes.column = "d";
  target.deletes.share_max = std::nullopt;
  Bring(target, "(1, 'a', 1, false)");
  EXPECT_EQ(Bring(target, "(1, 'z', 2, false), (1, 'a', 2, true)"),
            (Counts{.deleted = 1, .skipped = 1, .duplicates = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre()));
}

TEST_P(Merging, FlaggedRowsAreRemoved) {
  StreamTarget target = MergeTarget();
  target.deletes.column = "d";
  EXPECT_EQ(Bring(target, "(1, 'a', 1, NULL), (2, 'b', 1, false), (3, 'c', 1, true)"),
            (Counts{.inserted = 2, .skipped = 1}));
  EXPECT_EQ(Bring(target, "(2, 'B', 2, true), (4, 'd', 2, true), (5, 'e', 2, false)"),
            (Counts{.inserted = 1, .deleted = 1, .skipped = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|NULL", "5|e|2|false")));
}

TEST_P(Merging, AFlagThatIsNoBoolIsAValue) {
  StreamTarget target = MergeTarget();
  target.deletes.column = "t";
  Bring(target, "(1, NULL, 1, true), (2, NULL, 1, true)");
  EXPECT_EQ(Bring(target, "(2, '2026-01-01', 2, false)"), (Counts{.deleted = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|NULL|1|true")));
}

TEST_P(Merging, FlaggedRowsMayStay) {
  StreamTarget target = MergeTarget();
  target.deletes = {.column = "d", .keep_flagged = true};
  Bring(target, "(1, 'a', 1, false), (2, 'b', 1, true)");
  EXPECT_EQ(Bring(target, "(1, 'a', 2, true)"), (Counts{.updated = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|2|true", "2|b|1|true")));
}

TEST_P(Merging, KeysThatTheSourceNoLongerHasAreRemoved) {
  Bring(MergeTarget(), "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)");
  // Added in two calls; 9 is not there yet, and 4 came as a row: that proves its key.
  EXPECT_EQ(Bring(MergeTarget(), Rows("(1, 'A', 2, false), (4, 'd', 2, false)"),
                  {Keys("(1), (9)"), Keys("(3)")}),
            (Counts{.inserted = 1, .updated = 1, .deleted = 1, .deleted_absent = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|A|2|false", "3|c|1|false", "4|d|2|false")));
}

TEST_P(Merging, NoKeysAtAllMeanAnEmptySource) {
  StreamTarget target = MergeTarget();
  Bring(target, "(1, 'a', 1, false), (2, 'b', 1, false)");
  target.deletes.share_max = std::nullopt;
  EXPECT_EQ(Bring(target, {}, {{}}), (Counts{.deleted = 2, .deleted_absent = 2}));
  EXPECT_THAT(There(), Optional(ElementsAre()));
}

TEST_P(Merging, KeysMayComeWithTheFirstRows) {
  EXPECT_EQ(Bring(MergeTarget(), Rows("(1, 'a', 1, false)"), {Keys("(1), (2)")}),
            (Counts{.inserted = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false")));
}

// G17: More rows than the stream allows never go without being asked for.
TEST_P(Merging, TooManyDeletesAreRefusedWithTheNumbers) {
  StreamTarget target = MergeTarget(true);
  target.deletes.share_rows_min = 4;
  const std::string four =
      "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false), "
      "(4, 'd', 1, false)";
  Bring(target, four);
  EXPECT_THAT(
      [&] { Bring(target, "(1, 'a', 1, false)"); },
      ::testing::Throws<base::Error>(::testing::Property(
          &base::Error::info,
          AllOf(::testing::Field(&base::ErrorInfo::code, ErrorCode::kConflict),
                ::testing::Field(&base::ErrorInfo::message,
                                 AllOf(HasSubstr("3 of the table's 4 rows"), HasSubstr("75.0 %"),
                                       HasSubstr("50.0 %"))),
                ::testing::Field(&base::ErrorInfo::remedy, HasSubstr("--allow-deletes"))))));
  EXPECT_EQ(There()->size(), 4u);
  // Half of them is not more than half; and flagged rows count as well.
  EXPECT_EQ(Bring(target, "(1, 'a', 1, false), (2, 'b', 1, false)").deleted, 2u);
  StreamTarget flagged = MergeTarget();
  flagged.deletes.column = "d";
  flagged.deletes.share_rows_min = 2;
  EXPECT_THAT([&] { Bring(flagged, "(1, 'a', 2, true), (2, 'b', 2, true)"); },
              test::ThrowsError(ErrorCode::kConflict));
  flagged.deletes.share_max = std::nullopt;
  EXPECT_EQ(Bring(flagged, "(1, 'a', 2, true), (2, 'b', 2, true)"), (Counts{.deleted = 2}));
}

// Of a handful of rows, most may go on any day.
TEST_P(Merging, ASmallTableMayLoseAnyShare) {
  StreamTarget target = MergeTarget(true);
  Bring(target, "(1, 'a', 1, false), (2, 'b', 1, false), (3, 'c', 1, false)");
  target.deletes.share_rows_min = 4;
  EXPECT_EQ(Bring(target, "(1, 'a', 1, false)").deleted, 2u);
  EXPECT_EQ(Bring(target, "").deleted, 1u);
  EXPECT_THAT(There(), Optional(ElementsAre()));
}

TEST_P(Merging, DuplicateKeysInACompleteSourceAreRefused) {
  const std::string rows =
      "(1, 'a', 1, false), (1, 'b', 2, false), (2, 'c', 1, false), (3, 'd', 1, false), "
      "(3, 'd', 1, false), (3, 'e', 9, false)";
  const auto refused = ::testing::Throws<base::Error>(::testing::Property(
      &base::Error::info,
      AllOf(::testing::Field(&base::ErrorInfo::code, ErrorCode::kConflict),
            ::testing::Field(
                &base::ErrorInfo::message,
                AllOf(HasSubstr("2 values of the primary key (n)"), HasSubstr("5 of 6 rows"))),
            ::testing::Field(&base::ErrorInfo::remedy, HasSubstr("duplicate_keys: newest")))));
  EXPECT_THAT([&] { Bring(MergeTarget(true), rows); }, refused);
  EXPECT_EQ(There(), std::nullopt);
  Bring(MergeTarget(true), "(1, 'a', 1, false)");
  EXPECT_THAT([&] { Bring(MergeTarget(true), rows); }, refused);
  StreamTarget allowed = MergeTarget(true);
  allowed.allow_duplicate_keys = true;
  EXPECT_EQ(Bring(allowed, rows),
            (Counts{.inserted = 2, .updated = 1, .skipped = 3, .duplicates = 3}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|b|2|false", "2|c|1|false", "3|e|9|false")));
}

TEST_P(Merging, KeysWithoutAValueAreRefusedByNameAndCount) {
  const auto refused = [](const std::string& what) {
    return test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                 HasSubstr(what));
  };
  const std::string rows = "(1, 'a', 1, false), (NULL, 'b', 1, false), (NULL, 'c', 1, false)";
  EXPECT_THAT([&] { Bring(MergeTarget(), rows); }, refused("column n in 2 rows"));
  EXPECT_EQ(There(), std::nullopt);
  Bring(MergeTarget(), "(1, 'a', 1, false)");
  EXPECT_THAT([&] { Bring(MergeTarget(), rows); }, refused("column n in 2 rows"));
  EXPECT_THAT([&] { Bring(MergeTarget(), {}, {Keys("(1), (NULL)")}); },
              refused("column n in 1 keys"));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false")));
}

TEST_P(Merging, KeysMayBeOfSeveralColumns) {
  StreamTarget target = MergeTarget(true);
  target.primary_key = {"t", "n"};
  Bring(target, "(1, 'a', 1, false), (1, 'b', 1, false), (2, 'a', 1, false)");
  const model::LocalPart keys =
      harness_->MakePart("keys", "SELECT 'a' AS t, CAST(1 AS BIGINT) AS n UNION ALL SELECT 'b', 1");
  target.complete = false;
  EXPECT_EQ(Bring(target, Rows("(1, 'b', 2, false)"), {{keys}}),
            (Counts{.updated = 1, .deleted = 1, .deleted_absent = 1}));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false", "1|b|2|false")));
  EXPECT_THAT([&] { Bring(target, "(NULL, NULL, 1, false)"); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("column t in 1 rows, column n in 1 rows")));
}

TEST_P(Merging, OnlyAValueThatDiffersIsAnUpdate) {
  StreamTarget target = MergeTarget();
  target.cursor = std::nullopt;
  target.columns = {{"n", {TypeKind::kInt64}},
                    {"f", {TypeKind::kFloat64}},
                    {"r", {TypeKind::kFloat32}},
                    {"d", {.kind = TypeKind::kDecimal, .precision = 38, .scale = 2}},
                    {"s", {TypeKind::kTimestamp}}};
  const auto part = [&](const std::string& name, const std::string& rows) {
    return std::vector{harness_->MakePart(
        name,
        fmt::format("SELECT CAST(n AS BIGINT) AS n, CAST(f AS DOUBLE) AS f, CAST(r AS FLOAT) AS r, "
                    "CAST(d AS DECIMAL(38,2)) AS d, CAST(s AS TIMESTAMP) AS s FROM (VALUES {}) AS "
                    "v(n, f, r, d, s)",
                    rows))};
  };
  const std::string same =
      "(1, 'nan', 'nan', '0.01', '2026-01-01 00:00:00.000001'), (2, NULL, NULL, NULL, NULL), "
      "(3, '-0.0', '-0.0', '99999999999999999999999999999999999.99', '0001-01-01'), "
      "(4, 'inf', '-inf', '0', '9999-12-31')";
  Bring(target, part("first", same));
  EXPECT_EQ(Bring(target, part("again", same)), (Counts{.unchanged = 4}));
  EXPECT_EQ(Bring(target, part("zero",
                               "(3, '0.0', '-0.0', "
                               "'99999999999999999999999999999999999.99', '0001-01-01')")),
            (Counts{.updated = 1}));
  EXPECT_EQ(Bring(target, part("other",
                               "(1, 'nan', '1.0', '0.01', '2026-01-01 00:00:00.000001'), "
                               "(2, '1.0', NULL, NULL, NULL), (4, NULL, '-inf', '0', "
                               "'9999-12-31')")),
            (Counts{.updated = 3}));
  EXPECT_EQ(Bring(target, part("time",
                               "(1, 'nan', '1.0', '0.01', '2026-01-01 00:00:00.000002'), "
                               "(2, '1.0', NULL, '-0.01', NULL)")),
            (Counts{.updated = 2}));
}

TEST_P(Merging, TheSameAttemptMergesOnceAndTellsTheSame) {
  Bring(MergeTarget(), "(1, 'a', 1, false)");
  const std::vector<model::LocalPart> parts = Rows("(1, 'A', 2, false), (2, 'b', 2, false)");
  for (int i = 0; i < 2; ++i) {
    auto load = destination_->Begin(MergeTarget(), kCall);
    const LoadedRows rows = AddAll(*load, parts);
    EXPECT_EQ(load->Commit(Mark("same"), ProofOf(rows), kCall),
              (Counts{.inserted = 1, .updated = 1}));
  }
  EXPECT_EQ(destination_->ReadCommitted("sales.numbers", kCall)->counts,
            (Counts{.inserted = 1, .updated = 1}));
}

TEST_P(Merging, ADroppedOrRefusedMergeChangesNothing) {
  Bring(MergeTarget(), "(1, 'a', 1, false)");
  const auto mark = destination_->ReadCommitted("sales.numbers", kCall)->watermark.attempt;
  AddAll(*destination_->Begin(MergeTarget(), kCall), Rows("(1, 'B', 2, false)"));
  {
    auto load = destination_->Begin(MergeTarget(), kCall);
    model::Proof proof = ProofOf(AddAll(*load, Rows("(1, 'B', 2, false)")));
    ++proof.manifest_rows;
    EXPECT_THAT([&] { load->Commit(Mark("x"), proof, kCall); },
                test::ThrowsError(ErrorCode::kCorrupt));
  }
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false")));
  EXPECT_EQ(destination_->ReadCommitted("sales.numbers", kCall)->watermark.attempt, mark);
}

TEST_P(Merging, RowsThatStandTwiceAreNotMergedInto) {
  StreamTarget overwrite = MergeTarget();
  overwrite.write_mode = WriteMode::kOverwrite;
  Bring(overwrite, "(1, 'a', 1, false), (1, 'b', 1, false), (2, 'c', 1, false)");
  EXPECT_THAT([&] { Bring(MergeTarget(), "(1, 'x', 2, false)"); },
              test::ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                    HasSubstr("1 values of the primary key (n) stand more than")));
  EXPECT_THAT(There(), Optional(ElementsAre("1|a|1|false", "1|b|1|false", "2|c|1|false")));
}

TEST_P(Merging, NeedsItsKeyCursorAndFlagAmongTheColumns) {
  const auto refused = [](const std::string& name) {
    return test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                 HasSubstr(name));
  };
  StreamTarget target = MergeTarget();
  target.primary_key.clear();
  EXPECT_THAT([&] { destination_->Begin(target, kCall); }, refused("primary key"));
  target.primary_key = {"n", "gone"};
  EXPECT_THAT([&] { destination_->Begin(target, kCall); }, refused("column gone"));
  target = MergeTarget();
  target.cursor = "later";
  EXPECT_THAT([&] { destination_->Begin(target, kCall); }, refused("column later"));
  target = MergeTarget();
  target.deletes.column = "flag";
  EXPECT_THAT([&] { destination_->Begin(target, kCall); }, refused("column flag"));
}

TEST_P(Merging, KeysOfOtherColumnsAreRefused) {
  Bring(MergeTarget(), "(1, 'a', 1, false)");
  auto load = destination_->Begin(MergeTarget(), kCall);
  const model::LocalPart part = harness_->MakePart("odd", "SELECT 'x' AS n");
  EXPECT_THAT(
      [&] {
        load->AddKeys({&part, 1}, kCall);
      },
      test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, HasSubstr("column n")));
}

TEST_P(Merging, ReadersSeeAllOfAMergeOrNothing) {
  // Every row of one commit holds its number; a fifth of the keys goes away and comes back.
  constexpr int kRows = 500;
  StreamTarget target = MergeTarget(true);
  const auto batch = [&](int commit) {
    return std::vector{harness_->MakePart(
        fmt::format("b{}", commit),
        fmt::format(
            "SELECT CAST(range AS BIGINT) AS n, '{0}' AS t, CAST({0} AS BIGINT) AS c, false "
            "AS d FROM range({1}) WHERE range % 5 <> {0} % 5",
            commit, kRows))};
  };
  Bring(target, batch(0));
  std::atomic<int> wrong = 0;
  std::atomic<int> reads = 0;
  {
    std::jthread reader([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const auto rows = There();
        bool whole = rows && rows->size() == kRows * 4 / 5;
        for (std::size_t i = 1; whole && i < rows->size(); ++i) {
          whole =
              (*rows)[i].substr((*rows)[i].find('|')) == (*rows)[0].substr((*rows)[0].find('|'));
        }
        if (!whole) ++wrong;
        ++reads;
      }
    });
    for (int commit = 1; commit <= 6; ++commit) Bring(target, batch(commit));
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(reads, 0);
}

}  // namespace sluice::destinations
