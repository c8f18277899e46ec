// Goal: a destination cannot get the protocol of a load wrong. Its steps come in one order, an
// attempt that is committed is not committed twice, counts that disagree change nothing, and after
// a failure or a commit the load takes no more calls.
#include "destinations/guarded_load/guarded_load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "columnar/sql_text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::guarded_load {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::Call kCall;

class ListLogger final : public base::Logger {
 public:
  void Write(base::LogLevel, std::string_view,
             std::initializer_list<base::LogField> fields) override {
    for (const base::LogField& field : fields) {
      if (field.name == "change") notes.push_back(field.value);
    }
  }
  std::vector<std::string> notes;
};

model::StreamTarget Target(model::WriteMode mode = model::WriteMode::kMerge) {
  return {.stream = "sales.orders",
          .table = {"sales", "orders"},
          .columns = {{"n", {.kind = model::TypeKind::kInt64}},
                      {"d", {.kind = model::TypeKind::kDecimal}}},
          .write_mode = mode,
          .primary_key = {"n"}};
}

// Writes down the steps, and fails in those it is told to.
class ScriptedLoad final : public GuardedLoad {
 public:
  ScriptedLoad(Claims& claims, const base::Clock& clock, base::Logger& log,
               const model::StreamTarget& wanted)
      : GuardedLoad(wanted, claims.Take(wanted), clock, log),
        database_(columnar::Database::Open({.threads = 1})) {}

  std::vector<std::string> steps;
  std::set<std::string> fails;
  std::optional<Committed> last;
  std::optional<Committed> sealed;
  std::vector<std::string> notes{"column a is new"};

 private:
  void Step(const std::string& name) {
    steps.push_back(name);
    if (!fails.contains(name)) return;
    throw base::Error(
        {.code = ErrorCode::kDestination, .operation = name, .subject = "x", .message = "as told"});
  }
  columnar::Connection Decoder() override { return database_.Connect(); }
  void OnColumnsKnown(const base::Call&) override {
    Step(fmt::format("decimal({},{})", target().columns[1].type.precision,
                     target().columns[1].type.scale));
  }
  std::uint64_t Take(columnar::Connection&, const std::vector<columnar::CheckedPart>& parts,
                     const base::Call&) override {
    Step("take");
    return parts.at(0).footer.rows;
  }
  std::uint64_t TakeKeys(columnar::Connection&, const std::vector<columnar::CheckedPart>& parts,
                         const std::vector<model::Column>& columns, const base::Call&) override {
    Step("take keys " + columns.at(0).name);
    return parts.at(0).footer.rows;
  }
  void BeginCommit(const base::Call&) override { Step("begin"); }
  std::optional<Committed> LastCommit(const base::Call&) override {
    Step("look");
    return last;
  }
  void Undo() noexcept override { steps.emplace_back("undo"); }
  model::Counts Bring(const base::Call&) override {
    Step(compares_keys() ? "bring by keys" : "bring");
    return {.inserted = rows()};
  }
  void Seal(const Committed& row, const model::Proof&, const base::Call&) override {
    Step("seal");
    sealed = row;
  }
  const std::vector<std::string>& Notes() const override { return notes; }
  void AfterCommit(const base::Call&) noexcept override { steps.emplace_back("after"); }
  void OnCommitFailed(const base::Error& error) override {
    steps.push_back("failed in " + error.info().operation);
  }

  columnar::Database database_;
};

class GuardedLoadTest : public ::testing::Test {
 protected:
  ScriptedLoad Begin(const model::StreamTarget& target = Target()) {
    return ScriptedLoad(claims_, clock_, log_, target);
  }
  model::LocalPart Part(const std::string& select) {
    const fs::path file = dir_.path() / fmt::format("{}.parquet", ++parts_);
    columnar::Database database = columnar::Database::Open({.threads = 1});
    database.Connect().Run(
        fmt::format("COPY ({}) TO {} (FORMAT parquet)", select, columnar::QuoteText(file.string())),
        {}, {"test", "a part"});
    return {{.key = "p", .bytes = fs::file_size(file)}, file};
  }
  // Of two rows.
  void AddTo(Load& load) {
    const auto part = Part(
        "SELECT CAST(r AS BIGINT) AS n, CAST(r AS DECIMAL(9,2)) AS d FROM "
        "range(2) AS t(r)");
    const LoadedRows rows = load.Add({&part, 1}, kCall);
    EXPECT_EQ(rows.footer_rows, 2U);
    EXPECT_EQ(rows.loaded_rows, 2U);
  }
  static model::Proof ProofOf(std::uint64_t rows) {
    return {.manifest_rows = rows, .footer_rows = rows, .loaded_rows = rows};
  }
  static model::Watermark Mark(const std::string& attempt = "a1") {
    return {.value = "7", .run = "r1", .attempt = attempt};
  }
  void ExpectOver(Load& load) {
    const auto part = Part("SELECT CAST(1 AS BIGINT) AS n");
    const auto over = test::ThrowsError(ErrorCode::kInternal);
    EXPECT_THAT([&] { load.Add({&part, 1}, kCall); }, over);
    EXPECT_THAT([&] { load.Add({}, kCall); }, over);
    EXPECT_THAT([&] { load.AddStaged({}, kCall); }, over);
    EXPECT_THAT([&] { load.AddKeys({}, kCall); }, over);
    EXPECT_THAT([&] { load.Commit(Mark(), ProofOf(0), kCall); }, over);
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  ListLogger log_;
  Claims claims_;
  int parts_ = 0;
};

TEST_F(GuardedLoadTest, RowsWatermarkAndNotesComeInOneOrder) {
  ScriptedLoad load = Begin();
  AddTo(load);
  AddTo(load);
  EXPECT_THAT(log_.notes, IsEmpty());
  const model::Counts counts = load.Commit(Mark(), ProofOf(4), kCall);
  EXPECT_EQ(counts.inserted, 4U);
  EXPECT_THAT(load.steps, ElementsAre("decimal(9,2)", "take", "take", "begin", "look", "bring",
                                      "seal", "after"));
  ASSERT_TRUE(load.sealed);
  EXPECT_EQ(load.sealed->watermark.stream, "sales.orders");
  EXPECT_EQ(load.sealed->watermark.attempt, "a1");
  EXPECT_EQ(load.sealed->counts.inserted, 4U);
  EXPECT_THAT(log_.notes, ElementsAre("column a is new"));
  ExpectOver(load);
}

TEST_F(GuardedLoadTest, AnAttemptThatIsCommittedIsNotCommittedTwice) {
  ScriptedLoad load = Begin();
  AddTo(load);
  load.last = Committed{Mark(), {.inserted = 41}};
  EXPECT_EQ(load.Commit(Mark(), ProofOf(2), kCall).inserted, 41U);
  EXPECT_THAT(load.steps, ElementsAre("decimal(9,2)", "take", "begin", "look", "undo"));
  EXPECT_THAT(log_.notes, IsEmpty());
  ExpectOver(load);
}

TEST_F(GuardedLoadTest, AnotherAttemptOfTheRunIsNoReasonToStop) {
  ScriptedLoad load = Begin();
  load.last = Committed{Mark("a0"), {}};
  load.Commit(Mark("a1"), ProofOf(0), kCall);
  EXPECT_TRUE(load.sealed);
}

TEST_F(GuardedLoadTest, CountsThatDisagreeBringNothing) {
  for (const std::uint64_t told : {1U, 3U}) {
    ScriptedLoad load = Begin();
    AddTo(load);
    EXPECT_THAT([&] { load.Commit(Mark(), ProofOf(told), kCall); },
                test::ThrowsError(ErrorCode::kCorrupt));
    EXPECT_THAT(load.steps,
                ElementsAre("decimal(9,2)", "take", "begin", "look", "failed in commit"));
    ExpectOver(load);
  }
}

TEST_F(GuardedLoadTest, AfterAStepThatFailedItIsOver) {
  for (const std::string step : {"decimal(9,2)", "take"}) {
    ScriptedLoad load = Begin();
    load.fails = {step};
    EXPECT_THAT([&] { AddTo(load); }, test::ThrowsError(ErrorCode::kDestination));
    ExpectOver(load);
  }
  for (const std::string step : {"begin", "look", "bring", "seal"}) {
    ScriptedLoad load = Begin();
    load.fails = {step};
    EXPECT_THAT([&] { load.Commit(Mark(), ProofOf(0), kCall); },
                test::ThrowsError(ErrorCode::kDestination));
    EXPECT_EQ(load.steps.back(), "failed in " + step);
    EXPECT_FALSE(load.sealed);
    ExpectOver(load);
  }
  EXPECT_THAT(log_.notes, IsEmpty());
}

TEST_F(GuardedLoadTest, APartOfOtherColumnsIsRefusedBeforeItsRowsAreTaken) {
  ScriptedLoad load = Begin();
  const auto part = Part("SELECT CAST(1 AS BIGINT) AS n, 'x' AS d");
  EXPECT_THAT([&] { load.Add({&part, 1}, kCall); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT(load.steps, ::testing::Not(::testing::Contains("take")));
  ExpectOver(load);
}

TEST_F(GuardedLoadTest, KeysAreComparedEvenIfThereAreNone) {
  ScriptedLoad with = Begin();
  const auto part = Part("SELECT CAST(r AS BIGINT) AS n FROM range(3) AS t(r)");
  EXPECT_EQ(with.AddKeys({&part, 1}, kCall).loaded_rows, 3U);
  with.Commit(Mark(), ProofOf(0), kCall);
  EXPECT_THAT(with.steps,
              ElementsAre("take keys n", "begin", "look", "bring by keys", "seal", "after"));
  model::StreamTarget other = Target();
  other.stream = other.table.table = "none";
  ScriptedLoad none = Begin(other);
  none.AddKeys({}, kCall);
  none.Commit(Mark(), ProofOf(0), kCall);
  EXPECT_THAT(none.steps, ElementsAre("begin", "look", "bring by keys", "seal", "after"));
}

TEST_F(GuardedLoadTest, OnlyAMergeTakesKeysAndFewTakeStagedParts) {
  ScriptedLoad load = Begin(Target(model::WriteMode::kAppend));
  EXPECT_THAT([&] { load.AddKeys({}, kCall); }, test::ThrowsError(ErrorCode::kInternal));
  const model::Part staged{.key = "p"};
  EXPECT_THAT(
      [&] {
        load.AddStaged({&staged, 1}, kCall);
      },
      test::ThrowsError(ErrorCode::kInternal));
}

TEST_F(GuardedLoadTest, StoppedOrLateItDoesNothing) {
  ScriptedLoad load = Begin();
  std::stop_source stop;
  stop.request_stop();
  const base::Call stopped{.deadline = {}, .stop = stop.get_token()};
  EXPECT_THAT([&] { load.Commit(Mark(), ProofOf(0), stopped); },
              test::ThrowsError(ErrorCode::kCancelled));
  const base::Call late{.deadline = base::Deadline::After(clock_, std::chrono::seconds(1)),
                        .stop = {}};
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT([&] { load.Commit(Mark(), ProofOf(0), late); },
              test::ThrowsError(ErrorCode::kTimeout));
  EXPECT_THAT(load.steps, IsEmpty());
  load.Commit(Mark(), ProofOf(0), kCall);
  EXPECT_TRUE(load.sealed);
}

TEST_F(GuardedLoadTest, OfAStreamAndOfATableOneLoadIsOpen) {
  const auto open = std::make_unique<ScriptedLoad>(claims_, clock_, log_, Target());
  model::StreamTarget same_stream = Target();
  same_stream.table.table = "other";
  model::StreamTarget same_table = Target();
  same_table.stream = "other";
  EXPECT_THAT([&] { Begin(same_stream); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_THAT([&] { Begin(same_table); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_FALSE(claims_.empty());
}

TEST_F(GuardedLoadTest, WhatWasHeldIsFreeOnceTheLoadIsGone) {
  { ScriptedLoad load = Begin(); }
  EXPECT_TRUE(claims_.empty());
  EXPECT_NO_THROW(Begin());
}

TEST(Claims, NamesThatAreTheSameToTheDestinationAreHeldTogether) {
  Claims claims("DuckDB", columnar::FoldName);
  const auto claim = claims.Take(Target());
  model::StreamTarget other = Target();
  other.stream = "other";
  other.table.table = "ORDERS";
  EXPECT_THAT([&] { claims.Take(other); }, test::ThrowsError(ErrorCode::kUnsupported));
  Claims exact;
  const auto lower = exact.Take(Target());
  EXPECT_NO_THROW(exact.Take(other));
}

// Two parts of a name cannot run together.
TEST(Claims, AnotherSchemaIsAnotherTable) {
  Claims claims;
  model::StreamTarget one = Target();
  one.table = {"a", "b.c"};
  model::StreamTarget other = Target();
  other.stream = "other";
  other.table = {"a.b", "c"};
  const auto claim = claims.Take(one);
  EXPECT_NO_THROW(claims.Take(other));
}

}  // namespace
}  // namespace sluice::destinations::guarded_load
