// Goal: what is handed to the half that loads is all that was asked for, and proven. No destination
// is here: what takes over is a fake that fetches what it was handed.
#include "sync/read/read_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unload_objects.h"

namespace sluice::sync {
namespace {
using base::ErrorCode;
using redshift::testing::Contains;
using redshift::testing::StartsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const base::UtcTime kSnapshot{std::chrono::hours(500000)};

class Silent final : public Observer {
 public:
  void OnProgress(const Progress&) override {}
};

// The other half: takes every part that is staged to be fetched, and counts.
struct FakeLoad {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  void Take(Staged& staged, const base::Clock& clock) {
    for (auto& unload : staged.unloads) {
      if (!unload.transfer || !unload.manifest) continue;
      for (;;) {
        const auto parts = unload.transfer->Next({base::Deadline::Never(), {}}, clock);
        if (parts.empty()) break;
        for (const auto& part : parts) {
          rows += part.part.rows;
          bytes += std::filesystem::file_size(part.file);
        }
        unload.transfer->Release(parts);
      }
    }
  }
};

class ReadStreamTest : public ::testing::Test {
 protected:
  ReadStreamTest() {
    options_.bucket = "b";
    options_.bucket_region = "us-east-1";
    options_.range_bytes = 8;
    plan_.stream = {.name = "orders", .sql = "SELECT n FROM orders"};
    plan_.target = {.stream = "orders",
                    .table = {"main", "orders"},
                    .columns = {{.name = "n", .type = {.kind = model::TypeKind::kInt32}}}};
  }
  void MakeIncremental() {
    plan_.stream.sync_mode = model::SyncMode::kIncremental;
    plan_.stream.cursor = "n";
    plan_.range = redshift::CursorRange{.low = "41"};
    plan_.committed = model::Watermark{.stream = "orders",
                                       .value = "41",
                                       .keys_compared = base::UtcTime(std::chrono::seconds(7)),
                                       .run = "r0",
                                       .attempt = "a0"};
  }
  redshift::testing::Rule& ServerUnloads(std::uint64_t parts = 2, std::uint64_t rows_each = 5) {
    return workgroup_->When(StartsWith("UNLOAD"))
        .Runs([=, this](std::string_view sql) {
          test::AddUnloaded(store_, test::PrefixOf(sql), parts, rows_each);
        })
        .Unloads(parts * rows_each);
  }
  Staged Read(bool takes_staged = false, const Adoption* adoption = nullptr) {
    const auto session = workgroup_->Login();
    StreamProgress progress(observer_, "orders");
    return ReadStream({.options = options_,
                       .clock = clock_,
                       .log = log_,
                       .store = store_,
                       .ledger = ledger_,
                       .unload_auth = auth_,
                       .run = "r1",
                       .own_root = "sluice/acme/",
                       .after_effect =
                           [this](Effect effect, std::string_view) {
                             effects_.push_back(effect);
                             if (effect == Effect::kPrefixRecorded) {
                               sent_before_recorded_ = workgroup_->statements().size();
                             }
                           }},
                      {.plan = plan_,
                       .adoption = adoption,
                       .attempt = "a1",
                       .prefix = "sluice/acme/r1/orders/a1/",
                       .snapshot = kSnapshot,
                       .takes_staged = takes_staged},
                      *session, transfers_, progress, result_, trace_, stop_.get_token());
  }

  test::TempDir dir_;
  test::HurriedClock clock_;
  test::NullLogger log_;
  test::FakeObjectStore store_;
  Silent observer_;
  RunOptions options_;
  StreamPlan plan_;
  StreamResult result_;
  ReadTrace trace_;
  std::vector<Effect> effects_;
  std::size_t sent_before_recorded_ = 99;
  std::stop_source stop_;
  std::shared_ptr<redshift::testing::FakeWorkgroup> workgroup_ =
      std::make_shared<redshift::testing::FakeWorkgroup>();
  Ledger ledger_{dir_.path() / "acme.ledger", clock_};
  base::ByteBudget disk_{1 << 20};
  RunUnloadAuth auth_{
      [](const std::string&, std::chrono::seconds, const base::Call&) {
        return aws::SessionKeys{"AKIDEXAMPLE", base::Secret("c2VjcmV0"), base::Secret("dG9rZW4=")};
      },
      clock_, "sluice/acme/r1/"};
  Transfers transfers_{store_, disk_, dir_.path() / "work" / "a1", 8, [](std::uint64_t) {}};
};

TEST_F(ReadStreamTest, HandsOverWhatWasUnloadedAndItsProof) {
  ServerUnloads();
  Staged staged = Read();
  EXPECT_EQ(staged.target.stream, "orders");
  EXPECT_EQ(staged.basis, "");
  EXPECT_EQ(staged.watermark.run, "r1");
  EXPECT_EQ(staged.watermark.attempt, "a1");
  ASSERT_THAT(staged.unloads, SizeIs(1));
  EXPECT_EQ(staged.unloads[0].what, "rows");
  EXPECT_EQ(staged.unloads[0].notice_rows, 10U);
  EXPECT_EQ(staged.unloads[0].manifest->rows, 10U);
  EXPECT_EQ(result_.bytes, 40U);
  FakeLoad load;
  load.Take(staged, clock_);
  EXPECT_EQ(load.rows, 10U);
  EXPECT_EQ(load.bytes, 40U);
}

// G1: The ledger holds the staging prefix before UNLOAD is sent.
TEST_F(ReadStreamTest, RecordsThePrefixBeforeItSendsAnything) {
  ServerUnloads();
  Read();
  EXPECT_EQ(sent_before_recorded_, 0U);
  EXPECT_THAT(effects_, ElementsAre(Effect::kPrefixRecorded, Effect::kPieceUnloaded));
  ASSERT_TRUE(trace_.recorded);
  EXPECT_EQ(trace_.recorded->unloads.at(0).notice_rows, 10U);
  const auto dead = ledger_.DeadAttempts("another");
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].unloads.at(0).notice_rows, 10U);
}

TEST_F(ReadStreamTest, RowsThatTheDestinationTakesWhereTheyLieAreNotFetched) {
  plan_.key_select = "SELECT n FROM orders";
  ServerUnloads();
  const Staged staged = Read(/*takes_staged=*/true);
  ASSERT_THAT(staged.unloads, SizeIs(2));
  EXPECT_TRUE(staged.unloads[0].stays);
  EXPECT_EQ(staged.unloads[0].transfer, nullptr);
  // Keys are compared here, wherever rows are taken from.
  EXPECT_TRUE(staged.unloads[1].keys);
  EXPECT_FALSE(staged.unloads[1].stays);
  EXPECT_NE(staged.unloads[1].transfer, nullptr);
  EXPECT_EQ(staged.watermark.keys_compared, kSnapshot);
}

TEST_F(ReadStreamTest, TheWatermarkIsTheGreatestValueOfTheSameTransaction) {
  MakeIncremental();
  workgroup_->When(Contains("max(\"n\")")).Rows({"max", "below"}, {{"70", "f"}});
  ServerUnloads();
  const Staged staged = Read();
  EXPECT_EQ(staged.basis, "r0/a0");
  EXPECT_EQ(staged.watermark.value, "70");
  EXPECT_EQ(staged.watermark.cursor, "n");
  EXPECT_EQ(staged.watermark.keys_compared, plan_.committed->keys_compared);
  const auto sent = workgroup_->statements();
  EXPECT_EQ(sent.front(), "BEGIN");
  EXPECT_EQ(sent.back(), "COMMIT");
  EXPECT_EQ(trace_.recorded->high, "70");
}

TEST_F(ReadStreamTest, ATableThatKeepsHistoryIsToldWhenItWasReadByTheServersClock) {
  plan_.target.write_mode = model::WriteMode::kHistory;
  workgroup_->When(Contains("SYSDATE")).Rows({"sysdate"}, {{"2026-01-31 12:00:00.25"}});
  ServerUnloads();
  const base::UtcTime noon = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) +
                             std::chrono::hours(12) + std::chrono::milliseconds(250);
  EXPECT_EQ(Read().target.as_of, noon);
  // In the transaction that unloads.
  EXPECT_THAT(workgroup_->statements(), ElementsAre("BEGIN", HasSubstr("SYSDATE"),
                                                    ::testing::StartsWith("UNLOAD"), "COMMIT"));
  // For whoever adopts it.
  const auto dead = ledger_.DeadAttempts("another");
  ASSERT_THAT(dead, SizeIs(1));
  EXPECT_EQ(dead[0].as_of, noon);
}

TEST_F(ReadStreamTest, AnAdoptedReadIsOfTheMomentThatTheServerToldThen) {
  plan_.target.write_mode = model::WriteMode::kHistory;
  ServerUnloads();
  Adoption adoption;
  adoption.origin = {.run = "r0", .stream = "orders", .attempt = "a9"};
  adoption.origin.began = kSnapshot;
  adoption.missing.push_back(RowSteps(plan_, std::nullopt, {""}).at(0));
  adoption.origin.as_of = kSnapshot + std::chrono::milliseconds(250);
  EXPECT_EQ(Read(false, &adoption).target.as_of, adoption.origin.as_of);
}

TEST_F(ReadStreamTest, AReadThatAnOlderVersionLeftIsOfTheMomentAtWhichItBegan) {
  plan_.target.write_mode = model::WriteMode::kHistory;
  ServerUnloads();
  Adoption adoption;
  adoption.origin = {.run = "r0", .stream = "orders", .attempt = "a9"};
  adoption.missing.push_back(RowSteps(plan_, std::nullopt, {""}).at(0));
  EXPECT_EQ(Read(false, &adoption).target.as_of, kSnapshot);
}

TEST_F(ReadStreamTest, AStreamIsSplitByWhatItsSnapshotHolds) {
  plan_.stream.primary_key = {"n"};
  plan_.stream.split = model::Split{.by_size = true, .column = std::nullopt};
  // 16 MB a second for 1,500 s, three times.
  workgroup_->When(Contains("AS width")).Rows({"n", "width"}, {{"73728000", "1024"}});
  ServerUnloads();
  EXPECT_THAT(Read().unloads, SizeIs(3));
  EXPECT_THAT(workgroup_->statements(),
              ElementsAre("BEGIN", HasSubstr("AS width"), HasSubstr("FNV_HASH"),
                          HasSubstr("FNV_HASH"), HasSubstr("FNV_HASH"), "COMMIT"));
}

TEST_F(ReadStreamTest, AStreamThatFitsIntoOneUnloadIsNotSplit) {
  plan_.stream.primary_key = {"n"};
  plan_.stream.split = model::Split{.by_size = true, .column = std::nullopt};
  workgroup_->When(Contains("AS width")).Rows({"n", "width"}, {{"7", "1024"}});
  ServerUnloads();
  const Staged staged = Read();
  ASSERT_THAT(staged.unloads, SizeIs(1));
  EXPECT_EQ(staged.unloads[0].what, "rows");
}

TEST_F(ReadStreamTest, OtherTablesAreNot) {
  ServerUnloads();
  EXPECT_EQ(Read().target.as_of, std::nullopt);
}

TEST_F(ReadStreamTest, ACursorThatWentBackIsRefusedBeforeAnUnloadIsPaidFor) {
  MakeIncremental();
  workgroup_->When(Contains("max(\"n\")")).Rows({"max", "below"}, {{"3", "t"}});
  EXPECT_THAT([&] { Read(); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_EQ(workgroup_->statements().back(), "ROLLBACK");
  EXPECT_FALSE(trace_.recorded);
}

TEST_F(ReadStreamTest, ANoticeThatTheManifestContradictsHandsNothingOver) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Runs([this](std::string_view sql) { test::AddUnloaded(store_, test::PrefixOf(sql), 2, 5); })
      .Unloads(11);
  EXPECT_THAT([&] { Read(); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_TRUE(trace_.recorded);
  EXPECT_FALSE(trace_.unload_in_doubt);
}

TEST_F(ReadStreamTest, AnUnloadWhoseConnectionBrokeIsInDoubt) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Fails({.code = ErrorCode::kUnreachable, .operation = "UNLOAD", .in_doubt = true});
  EXPECT_THAT([&] { Read(); }, test::ThrowsError(ErrorCode::kUnreachable));
  EXPECT_TRUE(trace_.unload_in_doubt);
}

TEST_F(ReadStreamTest, WhatIsThereAlreadyIsHandedOverAndOnlyTheRestIsUnloaded) {
  plan_.stream.split = model::Split{.pieces = 2, .column = std::nullopt};
  const std::string dead = "sluice/acme/r0/orders/a9/rows-0001/";
  test::AddUnloaded(store_, dead, 1, 3);
  const auto steps = RowSteps(plan_, std::nullopt, {"n < 5", "n >= 5"});
  Adoption adoption;
  adoption.origin = {.run = "r0", .stream = "orders", .attempt = "a9"};
  adoption.origin.began = clock_.Utc() - std::chrono::minutes(5);
  adoption.ended.push_back(
      {.step = steps.at(0),
       .prefix = dead,
       .notice_rows = 3,
       .manifest = ReadManifest(store_, "b", dead, {base::Deadline::Never(), {}})});
  adoption.missing.push_back(steps.at(1));
  ServerUnloads();
  const Staged staged = Read(false, &adoption);
  ASSERT_THAT(staged.unloads, SizeIs(2));
  EXPECT_EQ(staged.unloads[0].prefix, dead);
  EXPECT_EQ(staged.unloads[0].transfer, nullptr);
  EXPECT_EQ(staged.unloads[1].prefix, "sluice/acme/r1/orders/a1/rows-0002/");
  EXPECT_THAT(workgroup_->statements(), SizeIs(1));
  EXPECT_EQ(result_.adopted_from, adoption.origin.began);
  EXPECT_EQ(trace_.recorded->adopted, "a9");
  EXPECT_THAT(effects_,
              ElementsAre(Effect::kPrefixRecorded, Effect::kAdopted, Effect::kPieceUnloaded));
}

TEST_F(ReadStreamTest, ARangeThatCanHoldNoRowSendsNoUnload) {
  MakeIncremental();
  workgroup_->When(Contains("max(\"n\")")).Rows({"max", "below"}, {{std::nullopt, "f"}});
  const Staged staged = Read();
  EXPECT_THAT(staged.unloads, IsEmpty());
  EXPECT_EQ(staged.watermark.value, "41");
  EXPECT_THAT(result_.warnings, ElementsAre(HasSubstr("no row has a value of n")));
}

}  // namespace
}  // namespace sluice::sync
