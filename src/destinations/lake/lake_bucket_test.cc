// Goal: a lake in a bucket takes parts without their bytes passing through, tells damaged ones from
// their tails alone, and settles every answer that S3 may lose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "columnar/footer.h"
#include "destinations/lake/staged_part.h"
#include "destinations/lake/testing/lake_support.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using model::TypeKind;
using model::WriteMode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

const base::Call kCall;
const model::TableName kBucketTable{"sales", "orders"};
// Every kind that is taken as it is, as DuckDB writes it.
constexpr const char* kSelect =
    "SELECT CAST(range AS BIGINT) AS n, true AS b, CAST(range AS INTEGER) AS i, CAST(-7 AS "
    "INTEGER) AS s, CAST(0.5 AS FLOAT) "
    "AS f, CAST(0.25 AS DOUBLE) AS d, CAST(1.50 AS DECIMAL(18,2)) AS m, 'x' || range AS t, DATE "
    "'2026-01-01' AS dt, TIMESTAMP '2026-01-01 00:00:00.000001' AS ts FROM range({}, {})";

class LakeBucket : public ::testing::Test {
 protected:
  LakeOptions Options() {
    return {.store = &store_,
            .bucket = "lake",
            .prefix = "w/",
            .staging = &staging_,
            .staging_bucket = "staging",
            .work_dir = dir_.path() / "work",
            .parts_dir = dir_.path()};
  }
  std::unique_ptr<Destination> Open() { return OpenLake(Options(), clock_, log_); }
  static model::StreamTarget Target(WriteMode mode = WriteMode::kOverwrite) {
    return {.stream = "sales.orders",
            .table = kBucketTable,
            .columns = {{"n", {TypeKind::kInt64}},
                        {"b", {TypeKind::kBool}},
                        {"i", {TypeKind::kInt32}},
                        {"s", {TypeKind::kInt16}},
                        {"f", {TypeKind::kFloat32}},
                        {"d", {TypeKind::kFloat64}},
                        {"m", {.kind = TypeKind::kDecimal, .precision = 18, .scale = 2}},
                        {"t", {.kind = TypeKind::kVarchar, .bytes_max = 9}},
                        {"dt", {TypeKind::kDate}},
                        {"ts", {TypeKind::kTimestamp}}},
            .write_mode = mode};
  }
  // In the staging bucket, as UNLOAD leaves it.
  model::Part Staged(int first, int last, const std::string& select = kSelect) {
    const std::string key = fmt::format("sluice/r/{}.parquet", ++parts_);
    const model::LocalPart local = WritePart(dir_.path(), fmt::format("p{}", parts_),
                                             fmt::format(fmt::runtime(select), first, last + 1));
    staging_.PutFile(local.file, key, kCall);
    return {.key = key, .bytes = local.part.bytes, .rows = local.part.rows};
  }
  static model::Proof Proof(const LoadedRows& rows, std::uint64_t bytes = 0) {
    return {.manifest_rows = rows.loaded_rows,
            .footer_rows = rows.footer_rows,
            .loaded_rows = rows.loaded_rows,
            .manifest_bytes = bytes,
            .fetched_bytes = rows.bytes};
  }
  static model::Watermark Mark(const std::string& attempt) {
    return {.stream = "sales.orders", .value = attempt, .run = "r-" + attempt, .attempt = attempt};
  }
  void Bring(Destination& lake, const model::StreamTarget& target, int n) {
    auto load = lake.Begin(target, kCall);
    const model::Part part = Staged(n, n);
    const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
    load->Commit(Mark(fmt::format("a{}", n)), Proof(rows, part.bytes), kCall);
  }
  // The first column of each row.
  std::optional<std::vector<std::string>> Rows() {
    auto rows = ReadLake(*files_, kBucketTable,
                         [&](const std::string& name) { return store_.PathOf("w/" + name); });
    if (rows) {
      for (std::string& row : *rows) row.resize(row.find('|'));
    }
    return rows;
  }
  std::vector<std::string> KeysWith(const std::string& text) const {
    auto keys = store_.Keys();
    std::erase_if(keys, [&](const std::string& k) { return k.find(text) == std::string::npos; });
    return keys;
  }

  const test::TempDir dir_;
  test::FakeClock clock_;
  test::NullLogger log_;
  test::FolderObjectStore store_{dir_.path() / "buckets", "lake"};
  test::FolderObjectStore staging_{dir_.path() / "buckets", "staging"};
  const std::unique_ptr<LakeFiles> files_ = OpenBucket(store_, "lake", "w/", dir_.path());
  int parts_ = 0;
};

TEST_F(LakeBucket, CopiesPartsWithoutReadingTheirRows) {
  std::atomic<std::uint64_t> read = 0;  // parts are copied by several threads
  staging_.before = [&](const std::string& operation, const std::string&) {
    EXPECT_NE(operation, "get");
    if (operation == "read") ++read;
  };
  store_.before = [](const std::string& operation, const std::string&) {
    EXPECT_NE(operation, "put_file");
  };
  const auto lake = Open();
  ASSERT_TRUE(lake->Describe().takes_staged);
  ASSERT_TRUE(lake->TakesStaged(Target(), kCall));
  auto load = lake->Begin(Target(), kCall);
  std::vector<model::Part> parts;
  std::uint64_t bytes = 0;
  for (int i = 0; i < 7; ++i) {
    parts.push_back(Staged(i * 10, i * 10 + 9));
    bytes += parts.back().bytes;
  }
  const LoadedRows rows = load->AddStaged(parts, kCall);
  EXPECT_EQ(rows.footer_rows, 70u);
  EXPECT_EQ(rows.loaded_rows, 70u);
  EXPECT_EQ(rows.bytes, bytes);
  // Of each the footer, and the one column of times: the footer does not tell what is in it.
  EXPECT_EQ(read.load(), 14u);
  EXPECT_EQ(Rows(), std::nullopt);
  EXPECT_EQ(load->Commit(Mark("a1"), Proof(rows, bytes), kCall).inserted, 70u);
  load.reset();
  EXPECT_THAT(Rows(), Optional(SizeIs(70)));
  const auto commit = LakeTable(*files_, kBucketTable).Newest(kCall);
  EXPECT_THAT(commit->files, ::testing::Each(::testing::Field(&LakeFile::copied, true)));
  // Nothing is left of the tails.
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "work")) {
    EXPECT_NE(entry.path().extension(), ".parquet") << entry.path();
  }
  lake->Close();
}

// A copied part is read as it is: what DuckDB wraps around, every reader would.
TEST_F(LakeBucket, CopiesNoPartWithATimeThatNobodyCanRead) {
  const auto lake = Open();
  ASSERT_TRUE(lake->TakesStaged(Target(), kCall));
  const auto staged = [&](const std::string& time) {
    std::string select = kSelect;
    const std::string there = "TIMESTAMP '2026-01-01 00:00:00.000001'";
    select.replace(select.find(there), there.size(),
                   fmt::format("CASE WHEN range = 777 THEN {} ELSE {} END", time, there));
    return Staged(1, 1000, select);
  };
  for (const char* time : {"TIMESTAMP 'infinity'", "TIMESTAMP '290000-01-01 (BC) 00:00:00'",
                           "TIMESTAMP '4714-11-23 (BC) 00:00:00'"}) {
    SCOPED_TRACE(time);
    const model::Part part = staged(time);
    auto load = lake->Begin(Target(), kCall);
    EXPECT_THAT(
        [&] {
          load->AddStaged({&part, 1}, kCall);
        },
        ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::subject,
                        HasSubstr("column ts of table sales.orders")));
  }
  const model::Part part = staged("TIMESTAMP '294247-01-10 04:00:54.775806'");
  auto load = lake->Begin(Target(), kCall);
  EXPECT_EQ(load->AddStaged({&part, 1}, kCall).loaded_rows, 1000u);
  load.reset();
  lake->Close();
  EXPECT_THAT(KeysWith("/data/"), ::testing::IsEmpty());
}

TEST_F(LakeBucket, CopiesAndRewrittenPartsStandTogether) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  auto load = lake->Begin(Target(WriteMode::kAppend), kCall);
  const model::LocalPart local =
      WritePart(dir_.path(), "local", fmt::format(fmt::runtime(kSelect), 2, 3));
  const LoadedRows rows = load->Add({&local, 1}, kCall);
  load->Commit(Mark("a2"), Proof(rows), kCall);
  load.reset();
  Bring(*lake, Target(WriteMode::kAppend), 3);
  EXPECT_THAT(Rows(), Optional(ElementsAre("1", "2", "3")));
  lake->Close();
}

TEST_F(LakeBucket, TakesPartsOnlyIfNoColumnNeedsConverting) {
  const auto lake = Open();
  const auto takes = [&](const model::Column& column) {
    model::StreamTarget target = Target();
    target.columns.push_back(column);
    return lake->TakesStaged(target, kCall);
  };
  for (const TypeKind kind : {TypeKind::kChar, TypeKind::kTimestampTz, TypeKind::kTime,
                              TypeKind::kTimeTz, TypeKind::kSuper, TypeKind::kVarbyte,
                              TypeKind::kIntervalDayToSecond, TypeKind::kIntervalYearToMonth}) {
    EXPECT_FALSE(takes({"x", {kind}})) << static_cast<int>(kind);
  }
  EXPECT_TRUE(takes({"x", {TypeKind::kGeometry}}));
  EXPECT_TRUE(takes({"x", {TypeKind::kInt16}}));
  EXPECT_FALSE(takes({"X", {TypeKind::kInt64}}));
  // An unknown size is told by the footer.
  EXPECT_TRUE(takes({"x", {TypeKind::kDecimal}}));
  EXPECT_THAT([&] { takes({"x", {TypeKind::kHllSketch}}); }, ThrowsError(ErrorCode::kUnsupported));
}

TEST_F(LakeBucket, TakesPartsOnlyIfTheTableWantsThemSo) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  model::StreamTarget target = Target(WriteMode::kAppend);
  target.columns.push_back({"added", {TypeKind::kInt64}});
  EXPECT_TRUE(lake->TakesStaged(target, kCall));
  target.schema_policy = model::SchemaPolicy::kFreeze;
  EXPECT_FALSE(lake->TakesStaged(target, kCall));
  target = Target(WriteMode::kAppend);
  target.columns[0].type.kind = TypeKind::kInt32;
  EXPECT_THAT([&] { lake->TakesStaged(target, kCall); }, ThrowsError(ErrorCode::kUnsupported));
  LakeOptions options = Options();
  options.staging_bucket.clear();
  const auto other = OpenLake(options, clock_, log_);
  EXPECT_FALSE(other->Describe().takes_staged);
  EXPECT_FALSE(other->TakesStaged(Target(), kCall));
}

TEST_F(LakeBucket, ADecimalOfUnknownSizeIsToldByTheFooter) {
  model::StreamTarget target = Target();
  target.columns[6].type = {TypeKind::kDecimal};
  const auto lake = Open();
  Bring(*lake, target, 1);
  EXPECT_EQ(LakeTable(*files_, kBucketTable).Newest(kCall)->columns.at(6).type, "DECIMAL(18,2)");
}

TEST_F(LakeBucket, ASmallintMayBeAnnotatedAsOne) {
  std::string annotated = kSelect;
  const auto at = annotated.find("CAST(-7 AS INTEGER)");
  ASSERT_NE(at, std::string::npos);
  annotated.replace(at, 19, "CAST(-7 AS SMALLINT)");
  const auto lake = Open();
  auto load = lake->Begin(Target(), kCall);
  const model::Part part = Staged(1, 2, annotated);
  const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
  load->Commit(Mark("a1"), Proof(rows, part.bytes), kCall);
  EXPECT_THAT(Rows(), Optional(ElementsAre("1", "2")));
}

TEST_F(LakeBucket, APartThatIsNotWhatItShouldBeIsRefusedByName) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  const auto refuses = [&](const model::Part& part, ErrorCode code, const std::string& subject) {
    auto load = lake->Begin(Target(), kCall);
    EXPECT_THAT(
        [&] {
          load->AddStaged({&part, 1}, kCall);
        },
        ThrowsErrorWith(code, &base::ErrorInfo::subject, HasSubstr(subject)));
    // And it takes nothing more.
    EXPECT_THAT([&] { load->Commit(Mark("x"), {}, kCall); }, ThrowsError(ErrorCode::kInternal));
  };
  model::Part part = Staged(2, 2);
  ++part.bytes;
  refuses(part, ErrorCode::kCorrupt, part.key);
  part.key = "sluice/r/gone.parquet";
  refuses(part, ErrorCode::kNotFound, "gone");
  refuses(Staged(1, 2, "SELECT CAST(range AS BIGINT) AS n FROM range({}, {})"), ErrorCode::kCorrupt,
          "column b");
  std::string renamed = kSelect;
  renamed.replace(renamed.find("AS n"), 4, "AS N");
  refuses(Staged(1, 2, renamed), ErrorCode::kCorrupt, "column n");
  std::string zoned = kSelect;
  zoned.replace(zoned.find("TIMESTAMP '"), 10, "TIMESTAMPTZ ");
  refuses(Staged(1, 2, zoned), ErrorCode::kCorrupt, "column ts");
  EXPECT_THAT(Rows(), Optional(ElementsAre("1")));
  lake->Close();
  EXPECT_THAT(KeysWith("/data/"), SizeIs(1));
}

TEST_F(LakeBucket, APartReplacedWhileItIsTakenIsAConflict) {
  const auto lake = Open();
  const model::Part part = Staged(1, 1);
  auto load = lake->Begin(Target(), kCall);
  store_.before = [&](const std::string& operation, const std::string&) {
    if (operation == "copy") fs::last_write_time(staging_.PathOf(part.key), {});
  };
  EXPECT_THAT([&] { load->AddStaged({&part, 1}, kCall); }, ThrowsError(ErrorCode::kConflict));
}

TEST_F(LakeBucket, ATailCutOrDamagedAnywhereIsRefusedOrWhole) {
  const model::Part part = Staged(1, 3);
  std::ifstream in(staging_.PathOf(part.key), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  columnar::Database database = columnar::Database::Open({.threads = 1});
  columnar::Connection connection = database.Connect();
  int files = 0;
  const auto read = [&](const std::string& body) {
    staging_.Put("k", body, kCall);
    const fs::path file = dir_.path() / fmt::format("tail-{}.parquet", ++files);
    const StagedTail tail = ReadTail(staging_, {.key = "k", .bytes = body.size()}, file, kCall);
    return columnar::ReadFooter(connection, tail.part, {}).rows;
  };
  EXPECT_EQ(read(whole), 3u);
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    EXPECT_THAT([&] { read(whole.substr(0, length)); }, ThrowsError(ErrorCode::kCorrupt)) << length;
  }
  for (std::size_t at = whole.size() - 8; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    EXPECT_THAT([&] { read(damaged); }, ThrowsError(ErrorCode::kCorrupt)) << at;
  }
}

TEST_F(LakeBucket, AFooterLongerThanTheFirstReadIsReadWhole) {
  std::string select = "SELECT 1 AS c0";
  for (int i = 1; i < 1500; ++i) select += fmt::format(", 'a long enough value' AS column_{}", i);
  const model::LocalPart local = WritePart(dir_.path(), "wide", select);
  staging_.PutFile(local.file, "wide", kCall);
  std::vector<std::string> reads;
  staging_.before = [&](const std::string& operation, const std::string&) {
    reads.push_back(operation);
  };
  const StagedTail tail = ReadTail(staging_, {.key = "wide", .bytes = local.part.bytes},
                                   dir_.path() / "tail.parquet", kCall);
  EXPECT_THAT(reads, ElementsAre("head", "read", "read"));
  columnar::Database database = columnar::Database::Open({.threads = 1});
  columnar::Connection connection = database.Connect();
  EXPECT_EQ(columnar::ReadFooter(connection, tail.part, {}).columns.size(), 1500u);
}

// Of the commit's PUT: it happened, and the answer was lost.
TEST_F(LakeBucket, ALostAnswerIsSettledByReadingTheCommitBack) {
  const auto lake = Open();
  const auto lose = [](const std::string&, const std::string& key) {
    if (key.find("_commits") == std::string::npos) return;
    throw base::Error({.code = ErrorCode::kUnreachable, .operation = "put", .in_doubt = true});
  };
  store_.after = lose;
  Bring(*lake, Target(), 1);
  EXPECT_THAT(Rows(), Optional(ElementsAre("1")));
  store_.after = nullptr;
  // It did not happen, as far as anybody can tell: the doubt is passed on, and the files stay, as
  // the request may still arrive.
  auto load = lake->Begin(Target(), kCall);
  const model::Part part = Staged(2, 2);
  const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
  store_.before = [&](const std::string& operation, const std::string& key) {
    if (operation == "put_if_absent") lose(operation, key);
  };
  EXPECT_THAT([&] { load->Commit(Mark("a2"), Proof(rows, part.bytes), kCall); },
              ::testing::Throws<base::Error>(::testing::Property(
                  &base::Error::info, ::testing::Field(&base::ErrorInfo::in_doubt, true))));
  store_.before = nullptr;
  load.reset();
  lake->Close();
  EXPECT_THAT(KeysWith("/data/"), SizeIs(2));
  EXPECT_EQ(Open()->ReadCommitted("sales.orders", kCall)->watermark.attempt, "a1");
}

TEST_F(LakeBucket, ALostAnswerOfALostRaceIsAConflict) {
  const auto lake = Open();
  const auto theirs = Open();
  Bring(*lake, Target(), 1);
  auto load = lake->Begin(Target(), kCall);
  const model::Part part = Staged(2, 2);
  const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
  bool once = false;
  store_.before = [&](const std::string& operation, const std::string&) {
    if (operation != "put_if_absent" || std::exchange(once, true)) return;
    Bring(*theirs, Target(), 3);
    throw base::Error({.code = ErrorCode::kUnreachable, .operation = "put", .in_doubt = true});
  };
  EXPECT_THAT([&] { load->Commit(Mark("a2"), Proof(rows, part.bytes), kCall); },
              ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message, HasSubstr("r-a3")));
  EXPECT_THAT(Rows(), Optional(ElementsAre("3")));
}

// A process that slept through so many commits that the name it wants is free again.
TEST_F(LakeBucket, ACommitIntoThePastIsAConflict) {
  LakeOptions options = Options();
  options.keep_versions = 1;
  const auto lake = OpenLake(options, clock_, log_);
  const auto theirs = OpenLake(options, clock_, log_);
  Bring(*lake, Target(), 1);
  auto load = lake->Begin(Target(), kCall);
  const model::Part part = Staged(2, 2);
  const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
  bool once = false;
  store_.before = [&](const std::string& operation, const std::string&) {
    if (operation != "put_if_absent" || std::exchange(once, true)) return;
    for (int n = 3; n <= 5; ++n) Bring(*theirs, Target(), n);
  };
  EXPECT_THAT([&] { load->Commit(Mark("a2"), Proof(rows, part.bytes), kCall); },
              ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                              AllOf(HasSubstr("version 4"), HasSubstr("r-a5"))));
  store_.before = nullptr;
  EXPECT_THAT(Rows(), Optional(ElementsAre("5")));
  EXPECT_THAT(KeysWith("_commits"),
              ElementsAre("w/sales/orders/_commits/00000000000000000004.json"));
}

// ... but one that was overtaken after it committed is no conflict.
TEST_F(LakeBucket, ACommitThatOthersBuiltUponStands) {
  const auto lake = Open();
  const auto theirs = Open();
  auto load = lake->Begin(Target(), kCall);
  const model::Part part = Staged(2, 2);
  const LoadedRows rows = load->AddStaged({&part, 1}, kCall);
  bool once = false;
  store_.after = [&](const std::string&, const std::string& key) {
    if (key.find("_commits") == std::string::npos || std::exchange(once, true)) return;
    for (int n = 3; n <= 5; ++n) Bring(*theirs, Target(WriteMode::kAppend), n);
  };
  EXPECT_EQ(load->Commit(Mark("a2"), Proof(rows, part.bytes), kCall).inserted, 1u);
  EXPECT_THAT(Rows(), Optional(ElementsAre("2", "3", "4", "5")));
}

TEST_F(LakeBucket, ProbeFindsAServiceThatIgnoresConditions) {
  const auto lake = Open();
  lake->Probe(kCall);
  EXPECT_THAT(store_.Keys(), IsEmpty());
  store_.ignores_conditions = true;
  EXPECT_THAT([&] { lake->Probe(kCall); },
              ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                              HasSubstr("If-None-Match")));
  EXPECT_THAT(store_.Keys(), IsEmpty());
}

TEST_F(LakeBucket, NothingOutsideItsPrefixIsTouched) {
  for (const char* key : {"w", "v/sales/orders/data/x.parquet", "w2/_commits/x"}) {
    store_.Put(key, "theirs", kCall);
  }
  store_.before = [](const std::string&, const std::string& key) {
    EXPECT_TRUE(key.starts_with("w/")) << key;
  };
  const auto lake = Open();
  lake->Probe(kCall);
  for (int n = 1; n <= 4; ++n) Bring(*lake, Target(), n);
  lake->Forget("sales.orders", kCall);
  lake->Close();
  store_.before = nullptr;
  EXPECT_EQ(store_.Get("w", 9, kCall), "theirs");
}

}  // namespace
}  // namespace sluice::destinations::lake
