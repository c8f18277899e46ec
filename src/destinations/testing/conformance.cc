// Goal: whatever fails, is killed or runs beside it, a destination holds the rows of the last
// commit and its watermark, or those of the next one, and nothing between.
#include "destinations/testing/conformance.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using model::StreamTarget;
using model::TableName;
using model::TypeKind;
using model::WriteMode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr const char* kFolderVariable = "SLUICE_CONFORMANCE_FOLDER";

}  // namespace

void Conformance::SetUp() {
  // The child runs the test's body again, up to where it must die.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const char* folder = getenv(kFolderVariable);
  in_child_ = folder != nullptr;
  if (in_child_) {
    folder_ = folder;
  } else {
    std::string name = (fs::temp_directory_path() / "sluice-conformance-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    setenv(kFolderVariable, name.c_str(), 1);
    setenv(kHolderVariable, std::to_string(getpid()).c_str(), 1);
  }
  harness_ = GetParam()(folder_);
}

void Conformance::TearDown() {
  harness_.reset();
  if (in_child_) return;
  unsetenv(kFolderVariable);
  unsetenv(kHolderVariable);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

model::LocalPart Conformance::Numbers(const std::string& name, int first, int last) {
  return harness_->MakePart(
      name, fmt::format("SELECT CAST(range AS BIGINT) AS n, 't' || range AS t FROM range({}, {})",
                        first, last + 1));
}

void Conformance::LoadAll(const StreamTarget& target, const std::vector<model::LocalPart>& parts,
                          const std::string& attempt) {
  const auto destination = harness_->Open();
  auto load = destination->Begin(target, kCall);
  const LoadedRows rows = AddAll(*load, parts);
  load->Commit(Mark(attempt), ProofOf(rows), kCall);
  load.reset();
  destination->Close();
}

std::optional<std::vector<std::string>> Conformance::ReadClosed(const TableName& table) {
  const auto destination = harness_->Open();
  auto rows = harness_->Read(*destination, table);
  destination->Close();
  return rows;
}

TEST_P(Conformance, LoadsWhatItWasGiven) {
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  const LoadedRows rows = AddAll(*load, {Numbers("a", 1, 2), Numbers("b", 3, 3)});
  EXPECT_EQ(rows.footer_rows, 3u);
  EXPECT_EQ(rows.loaded_rows, 3u);
  EXPECT_EQ(load->Commit(Mark("a1"), ProofOf(rows), kCall).inserted, 3u);
  load.reset();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2", "3|t3")));
  destination->Close();
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("1|t1", "2|t2", "3|t3")));
}

TEST_P(Conformance, RefusesModesItDoesNotDeclare) {
  const auto destination = harness_->Open();
  const Capabilities can = destination->Describe();
  EXPECT_TRUE(can.overwrite);
  const std::pair<WriteMode, bool> modes[] = {{WriteMode::kAppend, can.append},
                                              {WriteMode::kMerge, can.merge},
                                              {WriteMode::kHistory, can.history}};
  for (const auto& [mode, declared] : modes) {
    StreamTarget target = Target(mode);
    target.primary_key = {"n"};
    if (declared) {
      EXPECT_NE(destination->Begin(target, kCall), nullptr);
    } else {
      EXPECT_THAT([&] { destination->Begin(target, kCall); },
                  test::ThrowsError(ErrorCode::kUnsupported));
    }
  }
  destination->Close();
}

TEST_P(Conformance, TypesRoundTrip) {
  const model::LocalPart part = harness_->MakePart(
      "types",
      "SELECT true AS b, CAST(-32768 AS INTEGER) AS i2, CAST(-2147483648 AS INTEGER) AS i4, "
      "CAST(9223372036854775807 AS BIGINT) AS i8, CAST(1.5 AS FLOAT) AS f4, CAST(0.1 AS DOUBLE) AS "
      "f8, "
      "CAST('-12345678901234567890123456789012345.678' AS DECIMAL(38,3)) AS d, 'ab   ' AS c, "
      "'it''s | \"ö\" ' AS v, DATE '0001-01-01' AS dt, TIMESTAMP '9999-12-31 23:59:59.999999' AS "
      "ts "
      "UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL");
  StreamTarget target = Target();
  target.columns = {{"b", {TypeKind::kBool}},
                    {"i2", {TypeKind::kInt16}},
                    {"i4", {TypeKind::kInt32}},
                    {"i8", {TypeKind::kInt64}},
                    {"f4", {TypeKind::kFloat32}},
                    {"f8", {TypeKind::kFloat64}},
                    {"d", {.kind = TypeKind::kDecimal, .precision = 38, .scale = 3}},
                    {"c", {.kind = TypeKind::kChar, .bytes_max = 5}},
                    {"v", {.kind = TypeKind::kVarchar, .bytes_max = 40}},
                    {"dt", {TypeKind::kDate}},
                    {"ts", {TypeKind::kTimestamp}}};
  LoadAll(target, {part}, "a1");
  EXPECT_THAT(
      ReadClosed(kTable),
      Optional(ElementsAre("NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
                           "true|-32768|-2147483648|9223372036854775807|1.5|0.1|"
                           "-12345678901234567890123456789012345.678|ab|it's | \"ö\" |0001-01-01|"
                           "9999-12-31 23:59:59.999999")));
}

TEST_P(Conformance, NothingIsVisibleBeforeCommit) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  const LoadedRows rows = AddAll(*load, {Numbers("new", 7, 7)});
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a1");
  load->Commit(Mark("a2"), ProofOf(rows), kCall);
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("7|t7")));
  load.reset();
  destination->Close();
}

TEST_P(Conformance, ADroppedFirstLoadLeavesNoTable) {
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  AddAll(*load, {Numbers("a", 1, 2)});
  load.reset();
  EXPECT_EQ(harness_->Read(*destination, kTable), std::nullopt);
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall), std::nullopt);
  // And the same stream can begin again.
  load = destination->Begin(Target(), kCall);
  const LoadedRows rows = AddAll(*load, {Numbers("b", 5, 5)});
  load->Commit(Mark("a2"), ProofOf(rows), kCall);
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("5|t5")));
  load.reset();
  destination->Close();
}

TEST_P(Conformance, ADroppedLoadLeavesTheOldRows) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  destination->Begin(Target(), kCall)->Add(std::vector{Numbers("new", 3, 9)}, kCall);
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre("1|t1", "2|t2")));
}

TEST_P(Conformance, RowsAndWatermarkAppearTogether) {
  const auto destination = harness_->Open();
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall), std::nullopt);
  auto load = destination->Begin(Target(), kCall);
  const LoadedRows rows = AddAll(*load, {Numbers("a", 1, 1)});
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall), std::nullopt);
  model::Watermark given = Mark("a1", "2026-02-03 04:05:06.000007");
  given.cursor = "updated \"at\"";
  given.keys_compared = base::UtcTime(std::chrono::microseconds(1'770'000'000'000'007));
  const model::Counts counts = load->Commit(given, ProofOf(rows), kCall);
  load.reset();
  const auto committed = destination->ReadCommitted("sales.numbers", kCall);
  ASSERT_TRUE(committed);
  const model::Watermark* mark = &committed->watermark;
  EXPECT_EQ(mark->stream, "sales.numbers");
  EXPECT_EQ(mark->value, "2026-02-03 04:05:06.000007");
  EXPECT_EQ(mark->cursor, given.cursor);
  EXPECT_EQ(mark->keys_compared, given.keys_compared);
  EXPECT_EQ(committed->counts, counts);
  EXPECT_EQ(mark->run, "run1");
  EXPECT_EQ(mark->attempt, "a1");
  EXPECT_EQ(destination->ReadCommitted("sales.other", kCall), std::nullopt);
  destination->Close();
}

TEST_P(Conformance, AWatermarkMayHaveNoValue) {
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  const LoadedRows rows = AddAll(*load, {Numbers("a", 1, 1)});
  load->Commit(Mark("a1", std::nullopt), ProofOf(rows), kCall);
  load.reset();
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.value, std::nullopt);
  destination->Close();
}

TEST_P(Conformance, ForgettingAStreamKeepsItsRows) {
  const auto destination = harness_->Open();
  destination->Forget("sales.numbers", kCall);
  destination->Close();
  LoadAll(Target(), {Numbers("a", 1, 2)}, "a1");
  LoadAll(TargetNamed("other"), {Numbers("b", 3, 3)}, "a1");
  const auto again = harness_->Open();
  again->Forget("sales.numbers", kCall);
  EXPECT_EQ(again->ReadCommitted("sales.numbers", kCall), std::nullopt);
  EXPECT_TRUE(again->ReadCommitted("sales.other", kCall));
  EXPECT_THAT(harness_->Read(*again, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  again->Close();
}

TEST_P(Conformance, TheSameAttemptCommitsOnce) {
  const auto destination = harness_->Open();
  const WriteMode mode =
      destination->Describe().append ? WriteMode::kAppend : WriteMode::kOverwrite;
  for (int i = 0; i < 2; ++i) {
    auto load = destination->Begin(Target(mode), kCall);
    const LoadedRows rows = AddAll(*load, {Numbers(fmt::format("a{}", i), 1, 2)});
    EXPECT_EQ(load->Commit(Mark("a1"), ProofOf(rows), kCall).inserted, 2u);
  }
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

TEST_P(Conformance, AppendKeepsWhatIsThere) {
  const auto destination = harness_->Open();
  if (!destination->Describe().append) GTEST_SKIP() << "does not append";
  for (const int n : {1, 2}) {
    auto load = destination->Begin(Target(WriteMode::kAppend), kCall);
    const LoadedRows rows = AddAll(*load, {Numbers(fmt::format("p{}", n), n, n)});
    load->Commit(Mark(fmt::format("a{}", n)), ProofOf(rows), kCall);
  }
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

TEST_P(Conformance, AnEmptyStreamIsAnEmptyTable) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  LoadAll(Target(), {}, "a2");
  EXPECT_THAT(ReadClosed(kTable), Optional(ElementsAre()));
}

TEST_P(Conformance, DisagreeingCountsCommitNothing) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  model::Proof proof = ProofOf(AddAll(*load, {Numbers("new", 3, 5)}));
  proof.manifest_rows = 4;
  EXPECT_THAT([&] { load->Commit(Mark("a2"), proof, kCall); },
              test::ThrowsError(ErrorCode::kCorrupt));
  load.reset();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a1");
  destination->Close();
}

TEST_P(Conformance, OverwriteTakesANewSchema) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  StreamTarget target = Target();
  target.columns = {{"t", {TypeKind::kInt32}}, {"Added Col\"", {TypeKind::kVarchar}}};
  LoadAll(target,
          {harness_->MakePart("new", "SELECT CAST(5 AS INTEGER) AS t, 'x' AS \"Added Col\"\"\"")},
          "a2");
  const auto destination = harness_->Open();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("5|x")));
  EXPECT_THAT(harness_->ColumnNames(*destination, kTable), ElementsAre("t", "Added Col\""));
  destination->Close();
}

TEST_P(Conformance, ColumnsThatClashAreRefusedByName) {
  const auto destination = harness_->Open();
  StreamTarget target = Target();
  target.columns = {{"Id", {TypeKind::kInt64}}, {harness_->IgnoresCase() ? "iD" : "Id", {}}};
  EXPECT_THAT(
      [&] { destination->Begin(target, kCall); },
      test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message, HasSubstr("Id")));
  destination->Close();
}

TEST_P(Conformance, TablesThatClashAreRefusedByName) {
  if (!harness_->IgnoresCase()) GTEST_SKIP() << "tells names apart by case";
  LoadAll(TargetNamed("Orders"), {Numbers("old", 1, 1)}, "a1");
  const auto destination = harness_->Open();
  EXPECT_THAT([&] { destination->Begin(TargetNamed("orders"), kCall); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                    HasSubstr("Orders")));
  destination->Close();
}

TEST_P(Conformance, ADamagedPartIsRefused) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const model::LocalPart part = Numbers("damaged", 1, 5000);
  fs::resize_file(part.file, fs::file_size(part.file) / 2);
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  EXPECT_THAT(
      [&] {
        load->Add({&part, 1}, kCall);
      },
      test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, HasSubstr("damaged")));
  load.reset();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

TEST_P(Conformance, APartWithOtherColumnsIsRefused) {
  const model::LocalPart part =
      harness_->MakePart("other", "SELECT CAST(1 AS BIGINT) AS n, CAST(2 AS BIGINT) AS t");
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  EXPECT_THAT(
      [&] {
        load->Add({&part, 1}, kCall);
      },
      test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, HasSubstr("column t")));
  load.reset();
  destination->Close();
}

TEST_P(Conformance, ACancelledLoadLeavesTheOldRows) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const model::LocalPart part = Numbers("new", 1, 300000);
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  std::stop_source stop;
  const base::Call call{.stop = stop.get_token()};
  std::jthread stopper([&] { stop.request_stop(); });
  // However early or late the stop comes: at the latest the second Add meets it.
  EXPECT_THAT(
      [&] {
        load->Add({&part, 1}, call);
        stopper.join();
        load->Add({&part, 1}, call);
      },
      test::ThrowsError(ErrorCode::kCancelled));
  load.reset();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

// G15: A reader of the destination sees whole commits only.
TEST_P(Conformance, ReadersSeeTheOldOrTheNewTable) {
  LoadAll(Target(), {Numbers("old", 1, 10)}, "a0");
  const auto destination = harness_->Open();
  std::atomic<int> wrong = 0;
  std::atomic<int> reads = 0;
  std::jthread reader([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
      const auto rows = harness_->Read(*destination, kTable);
      // All ten of one load: "1".."10", "101".."110", ...
      if (!rows || rows->size() != 10) {
        ++wrong;
      } else {
        std::vector<long> numbers;
        for (const std::string& row : *rows) numbers.push_back(std::stol(row));
        const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
        if (*high - *low != 9) ++wrong;
      }
      ++reads;
    }
  });
  for (int i = 1; i <= 5; ++i) {
    auto load = destination->Begin(Target(), kCall);
    const int first = i * 100 + 1;
    const LoadedRows rows = AddAll(*load, {Numbers(fmt::format("x{}", i), first, first + 4),
                                           Numbers(fmt::format("y{}", i), first + 5, first + 9)});
    load->Commit(Mark(fmt::format("a{}", i)), ProofOf(rows), kCall);
  }
  reader.request_stop();
  reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(reads, 0);
  destination->Close();
}

TEST_P(Conformance, LoadsOfDifferentStreamsRunInParallel) {
  const auto destination = harness_->Open();
  if (!destination->Describe().parallel_loads) GTEST_SKIP() << "one load at a time";
  std::vector<model::LocalPart> parts;
  for (int i = 0; i < 4; ++i) parts.push_back(Numbers(fmt::format("p{}", i), i, i + 999));
  std::vector<std::string> errors(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        try {
          auto load = destination->Begin(TargetNamed(fmt::format("t{}", i)), kCall);
          const LoadedRows rows = AddAll(*load, {parts[i]});
          // The last one is given up while the others commit.
          if (i < 3) load->Commit(Mark("a1"), ProofOf(rows), kCall);
        } catch (const base::Error& error) {
          errors[i] = error.what();
        }
      });
    }
  }
  EXPECT_THAT(errors, ::testing::Each(""));
  for (int i = 0; i < 3; ++i) {
    const TableName table{"sales", fmt::format("t{}", i)};
    EXPECT_EQ(harness_->Read(*destination, table)->size(), 1000u);
    EXPECT_TRUE(destination->ReadCommitted("sales." + table.table, kCall));
  }
  EXPECT_EQ(harness_->Read(*destination, {"sales", "t3"}), std::nullopt);
  EXPECT_EQ(destination->ReadCommitted("sales.t3", kCall), std::nullopt);
  destination->Close();
}

TEST_P(Conformance, TwoLoadsOfOneStreamConflict) {
  const auto destination = harness_->Open();
  const auto first = destination->Begin(Target(), kCall);
  EXPECT_THAT([&] { destination->Begin(Target(), kCall); },
              test::ThrowsError(ErrorCode::kConflict));
}

TEST_P(Conformance, ProbeChangesNothing) {
  LoadAll(Target(), {Numbers("old", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  destination->Probe(kCall);
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  EXPECT_NE(destination->Name(), "");
  destination->Close();
}

}  // namespace sluice::destinations
