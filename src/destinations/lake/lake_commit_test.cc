// Goal: a version that was damaged is told from one that is whole, whatever happened to its file,
// and no name leads out of its folder or into another's.
#include "destinations/lake/lake_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "destinations/lake/lake_path.h"
#include "tests/support/matchers.h"

namespace sluice::destinations::lake {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using ::testing::HasSubstr;

LakeCommit Sample() {
  const base::UtcTime time{std::chrono::microseconds(1'767'225'600'000'007)};
  return {.version = 7,
          .previous = LakeCommit::Previous{6, "r0", "a0"},
          .operation = LakeCommit::Operation::kAppend,
          .time = time,
          .table = {"sales", "Order \"Lines\""},
          .stream = "sales.orders",
          .run = "r1",
          .attempt = "a1",
          .watermark = {.stream = "sales.orders",
                        .value = "2026-01-01 00:00:00.000001",
                        .cursor = "upd\\ated",
                        .keys_compared = time,
                        .shape = "5a",
                        .run = "r1",
                        .attempt = "a1"},
          .counts = {.inserted = 5},
          .proof = {.notice_rows = 5,
                    .manifest_rows = 5,
                    .footer_rows = 5,
                    .loaded_rows = 5,
                    .parts = 2,
                    .manifest_bytes = 99,
                    .fetched_bytes = 99},
          .columns = {{"n", "BIGINT", "bigint"}, {"ü\n", "DECIMAL(18,2)", "decimal(18,2)"}},
          .files = {{"data/a-1.parquet", 3, 60, 6, false}, {"data/b-1.parquet", 5, 40, 7, true}}};
}

TEST(LakeCommit, ComesBackAsItWas) {
  LakeCommit commit = Sample();
  for (int i = 0; i < 2; ++i) {
    const std::string text = FormatCommit(commit);
    const LakeCommit back = ParseCommit(text, "f");
    EXPECT_EQ(FormatCommit(back), text);
    EXPECT_EQ(back.table, commit.table);
    EXPECT_EQ(back.files, commit.files);
    EXPECT_EQ(back.columns, commit.columns);
    EXPECT_EQ(back.previous, commit.previous);
    EXPECT_EQ(back.time, commit.time);
    EXPECT_EQ(back.watermark.value, commit.watermark.value);
    EXPECT_EQ(back.watermark.cursor, commit.watermark.cursor);
    EXPECT_EQ(back.watermark.keys_compared, commit.watermark.keys_compared);
    EXPECT_EQ(back.watermark.shape, commit.watermark.shape);
    EXPECT_EQ(back.counts, commit.counts);
    EXPECT_EQ(back.forgotten, commit.forgotten);
    EXPECT_EQ(back.proof.notice_rows, commit.proof.notice_rows);
    // And one with nothing that may be absent.
    commit.previous.reset();
    commit.forgotten = true;
    commit.watermark = {};
    commit.proof.notice_rows.reset();
    commit.files.clear();
  }
}

TEST(LakeCommit, TellsASumOfItsFiles) {
  EXPECT_EQ(Sample().rows(), 8u);
  const auto json = nlohmann::json::parse(FormatCommit(Sample()));
  EXPECT_EQ(json["rows"], 8);
  EXPECT_EQ(json["bytes"], 100);
  EXPECT_EQ(json["time"], "2026-01-01T00:00:00.000007Z");
}

TEST(LakeCommit, CutAnywhereItIsRefusedByName) {
  const std::string text = FormatCommit(Sample());
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THAT([&] { ParseCommit(text.substr(0, length), "commit file f"); },
                ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, "commit file f"));
  }
}

TEST(LakeCommit, AnyByteThatChangedIsNoticed) {
  const std::string text = FormatCommit(Sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const int change : {1, 2, 16}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      try {
        ParseCommit(damaged, "f");
        ADD_FAILURE() << "byte " << at << " of " << text.size();
      } catch (const base::Error& error) {
        // The digit of the format may say that a later Sluice wrote it.
        EXPECT_TRUE(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnsupported);
      }
    }
  }
}

TEST(LakeCommit, ALaterFormatIsRefusedAsSuch) {
  std::string text = FormatCommit(Sample());
  const std::string now = "\"format_version\": 1";
  text.replace(text.find(now), now.size(), "\"format_version\": 2");
  EXPECT_THAT([&] { ParseCommit(text, "f"); }, ThrowsError(ErrorCode::kUnsupported));
}

TEST(LakeCommit, ListsNoFileOutsideTheTable) {
  for (const char* path : {"data/../../x", "/etc/passwd", "data/", "data/a/b", "../data/a",
                           "data/..", "dato/a", "data/.new-1"}) {
    LakeCommit commit = Sample();
    commit.files[0].path = path;
    EXPECT_THAT([&] { ParseCommit(FormatCommit(commit), "f"); }, ThrowsError(ErrorCode::kCorrupt))
        << path;
  }
}

TEST(LakeCommit, DeepNestingIsRefused) {
  EXPECT_THAT([&] { ParseCommit(std::string(100'000, '['), "f"); },
              ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT(
      [&] { ParseStream("{\"a\":" + std::string(50, '[') + std::string(50, ']') + "}", "s", "f"); },
      ThrowsError(ErrorCode::kCorrupt));
}

TEST(LakeStream, NamesTheTableOfThatStreamAlone) {
  const std::string text = FormatStream("a.b", {"s", "T"});
  EXPECT_EQ(ParseStream(text, "a.b", "f"), (model::TableName{"s", "T"}));
  EXPECT_THAT([&] { ParseStream(text, "a.c", "f"); }, ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT([&] { ParseStream(text.substr(0, 20), "a.b", "f"); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, "f"));
  EXPECT_THAT([&] { ParseStream("{}", "a.b", "f"); }, ThrowsError(ErrorCode::kCorrupt));
}

TEST(LakePath, KeepsEveryNameApartAndInItsPlace) {
  EXPECT_EQ(EncodeName("orders_2-a.b"), "orders_2-a.b");
  EXPECT_EQ(EncodeName("Orders"), "%4Frders");
  EXPECT_EQ(EncodeName("a/b"), "a%2Fb");
  EXPECT_EQ(EncodeName("a%2Fb"), "a%252%46b");
  EXPECT_EQ(EncodeName(".."), "%2E.");
  EXPECT_EQ(EncodeName("_sluice"), "%5Fsluice");
  EXPECT_EQ(EncodeName("ü="), "%C3%BC%3D");
  EXPECT_EQ(TablePath({"Sales", "x"}), "%53ales/x");
  EXPECT_EQ(StreamPath("a.b"), "_sluice/streams/a.b.json");
}

TEST(LakePath, RefusesNamesThatNoFileCanHave) {
  EXPECT_EQ(TablePath({"s", std::string(250, 'a')}).size(), 252u);
  EXPECT_THAT(
      [&] {
        TablePath({"s", std::string(251, 'a')});
      },
      ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::subject, HasSubstr("table aaa")));
  EXPECT_THAT([&] { TablePath({"", "a"}); }, ThrowsError(ErrorCode::kUnsupported));
  EXPECT_THAT([&] { StreamPath(std::string(90, '/')); }, ThrowsError(ErrorCode::kUnsupported));
}

TEST(LakePath, KnowsItsCommitFiles) {
  EXPECT_EQ(CommitName(7), "00000000000000000007.json");
  EXPECT_EQ(VersionOf(CommitName(7)), 7u);
  EXPECT_EQ(VersionOf(CommitName(18446744073709551615u)), 18446744073709551615u);
  for (const char* other :
       {"7.json", "00000000000000000000.json", "0000000000000000000a.json",
        "00000000000000000007.json.tmp", "99999999999999999999.json", ".new-1"}) {
    EXPECT_EQ(VersionOf(other), std::nullopt) << other;
  }
}

}  // namespace
}  // namespace sluice::destinations::lake
