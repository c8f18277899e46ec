// Goal: what a lake promises beyond the suite: the layout, what two writers are told, what expires
// and what does not, and that a damaged version is never read around.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

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

const base::Call kFolderCall;
const model::TableName kTable{"sales", "orders"};

class WarningLog final : public base::Logger {
 public:
  void Write(base::LogLevel level, std::string_view event,
             std::initializer_list<base::LogField> fields) override {
    if (level != base::LogLevel::kWarning) return;
    std::string line(event);
    for (const base::LogField& field : fields) line += " " + field.value;
    lines.push_back(line);
  }
  std::vector<std::string> lines;
};

class LakeFolder : public ::testing::Test {
 protected:
  LakeOptions Options() const {
    return {
        .folder = dir_.path() / "lake", .work_dir = dir_.path() / "work", .parts_dir = dir_.path()};
  }
  std::unique_ptr<Destination> Open() { return OpenLake(Options(), clock_, log_); }
  static model::StreamTarget Target(WriteMode mode = WriteMode::kOverwrite) {
    return {.stream = "sales.orders",
            .table = kTable,
            .columns = {{"n", {TypeKind::kInt64}}},
            .write_mode = mode};
  }
  model::LocalPart Part(int n) {
    return WritePart(dir_.path(), fmt::format("part{}", n),
                     fmt::format("SELECT CAST({} AS BIGINT) AS n", n));
  }
  static model::Proof Proof(const LoadedRows& rows) {
    return {.manifest_rows = rows.loaded_rows,
            .footer_rows = rows.footer_rows,
            .loaded_rows = rows.loaded_rows};
  }
  static model::Watermark Mark(const std::string& attempt) {
    return {
        .stream = "sales.orders", .value = attempt, .run = "run-" + attempt, .attempt = attempt};
  }
  // A load with the row `n`, not committed yet.
  struct Ready {
    std::unique_ptr<Load> load;
    model::Proof proof;
    model::Counts Commit(const std::string& attempt) {
      return load->Commit(Mark(attempt), proof, kFolderCall);
    }
  };
  Ready Loaded(Destination& destination, const model::StreamTarget& target, int n) {
    auto load = destination.Begin(target, kFolderCall);
    const model::LocalPart part = Part(n);
    const model::Proof proof = Proof(load->Add({&part, 1}, kFolderCall));
    return {std::move(load), proof};
  }
  void Bring(Destination& destination, const model::StreamTarget& target, int n) {
    Ready ready = Loaded(destination, target, n);
    ready.Commit(fmt::format("a{}", n));
  }
  std::optional<std::vector<std::string>> Rows() {
    return ReadLake(*files_, kTable,
                    [&](const std::string& name) { return Options().folder / name; });
  }
  std::vector<std::string> Names(const std::string& folder) {
    std::vector<std::string> names;
    for (const FileInfo& file : files_->List(folder, kFolderCall)) names.push_back(file.name);
    return names;
  }
  std::vector<std::string> Commits() { return Names("sales/orders/_commits"); }
  std::vector<std::string> Data() { return Names("sales/orders/data"); }
  fs::path CommitFile(int version) const {
    return Options().folder / "sales/orders/_commits" / fmt::format("{:020}.json", version);
  }
  void SetAge(const fs::path& file, std::chrono::seconds age) {
    const auto at =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.Utc().time_since_epoch() - age);
    const timespec times[2] = {{.tv_sec = at.count()}, {.tv_sec = at.count()}};
    ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  }

  const test::TempDir dir_;
  test::FakeClock clock_;
  WarningLog log_;
  const std::unique_ptr<LakeFiles> files_ = OpenFolder(dir_.path() / "lake");
};

TEST_F(LakeFolder, LiesAsTheLayoutSaysAndNowhereElse) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  lake->Close();
  EXPECT_THAT(Names("_sluice/streams"), ElementsAre("sales.orders.json"));
  EXPECT_THAT(Commits(), ElementsAre("00000000000000000001.json"));
  EXPECT_THAT(Data(),
              ElementsAre(::testing::MatchesRegex("20260101T000000Z-[0-9a-f]{16}-1\\.parquet")));
  std::vector<std::string> top;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path() / "work")) {
    top.push_back(entry.path());
  }
  EXPECT_THAT(top, IsEmpty());
  const LakeCommit commit = *LakeTable(*files_, kTable).Newest(kFolderCall);
  EXPECT_EQ(commit.run, "run-a1");
  EXPECT_EQ(commit.files.at(0).bytes,
            fs::file_size(Options().folder / "sales/orders" / commit.files.at(0).path));
}

TEST_F(LakeFolder, TheSecondOfTwoWritersIsToldWhoCommittedWhen) {
  const auto mine = Open();
  const auto theirs = Open();
  Bring(*mine, Target(), 1);
  int other = 3;
  for (const WriteMode mode : {WriteMode::kOverwrite, WriteMode::kAppend}) {
    Ready ready = Loaded(*mine, Target(mode), 2);
    clock_.Advance(std::chrono::hours(1));
    const std::string who = fmt::format("by run run-a{0}, attempt a{0}, at 2026-01-01T0", other);
    Bring(*theirs, Target(mode), other++);
    EXPECT_THAT([&] { ready.Commit("a2"); },
                ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::message,
                                AllOf(HasSubstr(who), HasSubstr(":00:00.000000Z"))));
    ready.load.reset();
  }
  EXPECT_THAT(Rows(), Optional(ElementsAre("3", "4")));
  // And the loser's files go with it.
  mine->Close();
  theirs->Close();
  EXPECT_THAT(Data(), SizeIs(2));
}

// Rows read from a watermark on must not land on a version that has them already.
TEST_F(LakeFolder, ACommitSinceTheWatermarkWasReadIsAConflict) {
  const auto mine = Open();
  Bring(*mine, Target(WriteMode::kAppend), 1);
  EXPECT_EQ(mine->ReadCommitted("sales.orders", kFolderCall)->watermark.value, "a1");
  const auto theirs = Open();
  Bring(*theirs, Target(WriteMode::kAppend), 2);
  Ready ready = Loaded(*mine, Target(WriteMode::kAppend), 2);
  EXPECT_THAT([&] { ready.Commit("x"); }, ThrowsError(ErrorCode::kConflict));
  ready.load.reset();
  EXPECT_EQ(mine->ReadCommitted("sales.orders", kFolderCall)->watermark.value, "a2");
  Bring(*mine, Target(WriteMode::kAppend), 3);
  EXPECT_THAT(Rows(), Optional(ElementsAre("1", "2", "3")));
}

TEST_F(LakeFolder, ADamagedVersionIsNamedAndNeverReadAround) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  Bring(*lake, Target(), 2);
  const auto refused = ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject,
                                       HasSubstr(CommitFile(2).string()));
  const auto damage = [&](const std::string& text) {
    std::ofstream(CommitFile(2), std::ios::trunc) << text;
    EXPECT_THAT([&] { lake->ReadCommitted("sales.orders", kFolderCall); }, refused);
    EXPECT_THAT([&] { lake->Begin(Target(), kFolderCall); }, refused);
    EXPECT_THAT([&] { lake->Forget("sales.orders", kFolderCall); }, refused);
  };
  std::ifstream in(CommitFile(2));
  std::string whole{std::istreambuf_iterator<char>(in), {}};
  damage("");
  damage(whole.substr(0, whole.size() / 2));
  // Whole, but another version's.
  std::ifstream other(CommitFile(1));
  damage({std::istreambuf_iterator<char>(other), {}});
  std::ofstream(CommitFile(2), std::ios::trunc) << whole;
  EXPECT_EQ(lake->ReadCommitted("sales.orders", kFolderCall)->watermark.value, "a2");
}

TEST_F(LakeFolder, ADamagedStreamFileIsNamed) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  std::ofstream(Options().folder / "_sluice/streams/sales.orders.json", std::ios::trunc) << "{";
  EXPECT_THAT([&] { lake->ReadCommitted("sales.orders", kFolderCall); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject,
                              HasSubstr("sales.orders.json")));
}

TEST_F(LakeFolder, ADataFileThatVanishedStopsTheCommit) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  Ready ready = Loaded(*lake, Target(), 2);
  for (const std::string& name : Data()) {
    const auto commit = LakeTable(*files_, kTable).Newest(kFolderCall);
    if ("data/" + name != commit->files.at(0).path) {
      fs::remove(Options().folder / "sales/orders/data" / name);
    }
  }
  EXPECT_THAT([&] { ready.Commit("a2"); },
              ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject, HasSubstr("data/")));
  EXPECT_THAT(Rows(), Optional(ElementsAre("1")));
}

TEST_F(LakeFolder, KeepsTheNewestVersionsAndTheirFiles) {
  const auto lake = Open();
  for (int n = 1; n <= 4; ++n) Bring(*lake, Target(), n);
  EXPECT_THAT(Commits(), ElementsAre("00000000000000000003.json", "00000000000000000004.json"));
  EXPECT_THAT(Data(), SizeIs(2));
  // Appended files live as long as a version lists them.
  for (int n = 5; n <= 8; ++n) Bring(*lake, Target(WriteMode::kAppend), n);
  EXPECT_THAT(Commits(), SizeIs(2));
  EXPECT_THAT(Rows(), Optional(ElementsAre("4", "5", "6", "7", "8")));
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(LakeFolder, KeepsWhatWasTheNewestNotLongAgo) {
  LakeOptions options = Options();
  options.keep_versions = 1;
  options.keep_for = std::chrono::minutes(10);
  const auto lake = OpenLake(options, clock_, log_);
  Bring(*lake, Target(), 1);
  clock_.Advance(std::chrono::hours(5));  // 1 was the newest for long, and still is
  Bring(*lake, Target(), 2);
  EXPECT_THAT(Commits(), SizeIs(2));
  clock_.Advance(std::chrono::minutes(9));
  Bring(*lake, Target(), 3);
  EXPECT_THAT(Commits(), SizeIs(3));
  clock_.Advance(std::chrono::minutes(2));
  Bring(*lake, Target(), 4);
  EXPECT_THAT(Commits(), ElementsAre("00000000000000000002.json", "00000000000000000003.json",
                                     "00000000000000000004.json"));
}

constexpr auto kOld = kOrphanAge + std::chrono::seconds(1);
constexpr const char* kDead = "20250101T000000Z-00000000000000ab";

TEST_F(LakeFolder, FilesOfDeadLoadsGoAfterTwoDays) {
  const auto lake = Open();
  Bring(*lake, Target(WriteMode::kAppend), 1);
  const fs::path table = Options().folder / "sales/orders";
  const std::string dead = kDead;
  const std::string young = "20250101T000000Z-00000000000000cd";
  fs::create_directories(table / "_loads");
  for (const std::string& load : {dead, young}) {
    std::ofstream(table / "data" / (load + "-1.parquet")) << "x";
    std::ofstream(table / "_loads" / (load + ".json")) << "{}";
    SetAge(table / "_loads" / (load + ".json"), kOld);
  }
  std::ofstream(table / "_commits" / ".new-00000000000000ab") << "x";
  SetAge(table / "data" / (dead + "-1.parquet"), kOld);
  SetAge(table / "data" / (young + "-1.parquet"), kOrphanAge - std::chrono::seconds(1));
  SetAge(table / "_commits" / ".new-00000000000000ab", kOld);
  // Listed files stay, however old.
  for (const std::string& name : Data()) {
    if (name.starts_with("2026")) SetAge(table / "data" / name, kOrphanAge * 2);
  }
  Bring(*lake, Target(WriteMode::kAppend), 2);
  EXPECT_THAT(Data(), AllOf(SizeIs(3), ::testing::Contains(young + "-1.parquet")));
  EXPECT_THAT(Commits(), SizeIs(2));
  EXPECT_FALSE(fs::exists(table / "_commits" / ".new-00000000000000ab"));
  EXPECT_FALSE(fs::exists(table / "_loads" / (dead + ".json")));
  // What may still be removed by it is known by it.
  EXPECT_TRUE(fs::exists(table / "_loads" / (young + ".json")));
  EXPECT_THAT(Rows(), Optional(ElementsAre("1", "2")));
}

TEST_F(LakeFolder, ALoadIsRecordedWhileItMayLeaveFilesAndNoLonger) {
  const auto records = [&] {
    std::error_code none;
    std::size_t count = 0;
    for (const auto& entry :
         fs::directory_iterator(Options().folder / "sales/orders/_loads", none)) {
      EXPECT_EQ(entry.path().extension(), ".json");
      ++count;
    }
    return count;
  };
  const auto lake = Open();
  {
    const Ready ready = Loaded(*lake, Target(), 1);
    EXPECT_EQ(records(), 1u);
  }
  lake->Close();
  EXPECT_EQ(records(), 0u);
  Bring(*Open(), Target(), 1);
  EXPECT_EQ(records(), 0u);
}

// A folder of a lake may hold what other people and programs put there.
// G42: A lake removes only files that a load of its own recorded, and nothing through a symbolic
// link.
TEST_F(LakeFolder, WhatNoLoadRecordedIsNobodysToRemove) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  const fs::path table = Options().folder / "sales/orders";
  const std::string dead = kDead;
  fs::create_directories(table / "_loads");
  std::ofstream(table / "_loads" / (dead + ".json")) << "{}";
  std::vector<fs::path> others = {
      table / "data/notes.txt", table / "data/part-0000.parquet",
      // Of our form, and no load says that it wrote it.
      table / "data/20250101T000000Z-00000000000000ef-1.parquet",
      // Of a load that is recorded, and not of our form.
      table / ("data/" + dead + "-1.parquet.bak"), table / ("data/" + dead + "-x.parquet"),
      table / ("data/" + dead + "-.parquet"), table / ("data/" + dead + ".parquet"),
      table / ("data/copy-" + dead + "-1.parquet"),
      table / "data/20250101T000000Z-00000000000000AB-1.parquet", table / "data/.hidden",
      table / "_commits/.new-1", table / "_commits/notes.json", table / "_loads/notes.json",
      table / "_loads/.keep"};
  for (const fs::path& other : others) {
    std::ofstream(other) << "x";
    SetAge(other, kOrphanAge * 10);
  }
  for (int i = 2; i < 6; ++i) Bring(*lake, Target(), i);
  for (const fs::path& other : others) EXPECT_TRUE(fs::exists(other)) << other;
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(LakeFolder, NothingIsRemovedThroughALink) {
  const fs::path table = Options().folder / "sales/orders";
  const std::string dead = kDead;
  for (const char* linked : {"data", "_commits", "_loads", "."}) {
    SCOPED_TRACE(linked);
    fs::remove_all(Options().folder);
    const auto lake = Open();
    Bring(*lake, Target(), 1);
    fs::create_directories(table / "_loads");
    std::ofstream(table / "_loads" / (dead + ".json")) << "{}";
    std::ofstream(table / "data" / (dead + "-1.parquet")) << "x";
    SetAge(table / "data" / (dead + "-1.parquet"), kOrphanAge * 10);
    std::ofstream(table / "_commits" / ".new-00000000000000ab") << "x";
    SetAge(table / "_commits" / ".new-00000000000000ab", kOrphanAge * 10);
    const fs::path elsewhere = dir_.path() / "elsewhere";
    fs::remove_all(elsewhere);
    const fs::path link = (table / linked).lexically_normal();
    const fs::path from = std::string(linked) == "." ? table : link;
    fs::rename(from, elsewhere);
    fs::create_directory_symlink(elsewhere, from);
    std::vector<fs::path> before;
    for (const auto& entry : fs::recursive_directory_iterator(elsewhere)) {
      before.push_back(entry.path());
    }
    log_.lines.clear();
    for (int i = 2; i < 6; ++i) Bring(*lake, Target(), i);
    for (const fs::path& path : before) EXPECT_TRUE(fs::exists(path)) << path;
    EXPECT_THAT(log_.lines, ::testing::Contains(HasSubstr("symbolic link")));
    EXPECT_THAT(Rows(), Optional(ElementsAre("5")));
  }
}

TEST_F(LakeFolder, WhatCannotBeRemovedIsAWarning) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  fs::create_directories(Options().folder / "sales/orders/_commits/x");
  // A version that cannot be read cannot be expired either: its files are not known.
  Bring(*lake, Target(), 2);
  std::ofstream(CommitFile(1), std::ios::trunc) << "{";
  Bring(*lake, Target(), 3);
  ASSERT_THAT(log_.lines, SizeIs(1));
  EXPECT_THAT(log_.lines[0], HasSubstr(CommitFile(1).string()));
  EXPECT_THAT(Rows(), Optional(ElementsAre("3")));
}

TEST_F(LakeFolder, AStreamThatMovedIsReadAnewIntoItsNewTable) {
  const auto lake = Open();
  Bring(*lake, Target(WriteMode::kAppend), 1);
  model::StreamTarget moved = Target(WriteMode::kAppend);
  moved.table.schema = "other";
  moved.complete = false;
  EXPECT_THAT([&] { lake->Begin(moved, kFolderCall); },
              ThrowsErrorWith(ErrorCode::kConflict, &base::ErrorInfo::remedy, HasSubstr("--full")));
  moved.complete = true;
  Bring(*lake, moved, 2);
  EXPECT_EQ(lake->ReadCommitted("sales.orders", kFolderCall)->watermark.value, "a2");
  // Back again: what it left there is not its watermark any more.
  model::StreamTarget back = Target(WriteMode::kAppend);
  back.complete = false;
  EXPECT_THAT([&] { lake->Begin(back, kFolderCall); }, ThrowsError(ErrorCode::kConflict));
}

TEST_F(LakeFolder, ATableThatAnotherStreamTookHasNoWatermarkOfTheFirst) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  model::StreamTarget other = Target();
  other.stream = "by_query";
  Bring(*lake, other, 2);
  EXPECT_EQ(lake->ReadCommitted("sales.orders", kFolderCall), std::nullopt);
  EXPECT_TRUE(lake->ReadCommitted("by_query", kFolderCall));
}

TEST_F(LakeFolder, NamesOfAnyKindStayApart) {
  const auto lake = Open();
  std::vector<model::TableName> names = {{"sales", "Orders"}, {"sales", "ORDERS"},
                                         {"sales/x", "y"},    {"sales", "x/y"},
                                         {"..", "ü%2F"},      {"_sluice2", "streams"}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    model::StreamTarget target = Target();
    target.stream = "s" + std::to_string(i);
    target.table = names[i];
    Bring(*lake, target, static_cast<int>(i));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_THAT(ReadLake(*files_, names[i],
                         [&](const std::string& name) { return Options().folder / name; }),
                Optional(ElementsAre(std::to_string(i))));
  }
  EXPECT_FALSE(fs::exists(dir_.path() / "ü%2F"));
}

TEST_F(LakeFolder, ColumnsThatDifferByCaseAloneAreRefusedByName) {
  model::StreamTarget target = Target();
  target.columns = {{"Id", {TypeKind::kInt64}}, {"iD", {TypeKind::kInt64}}};
  EXPECT_THAT(
      [&] { Open()->Begin(target, kFolderCall); },
      ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message, HasSubstr("Id and iD")));
}

TEST_F(LakeFolder, MergeAndHistoryAreRefusedWithWhatToDoInstead) {
  const auto lake = Open();
  EXPECT_FALSE(lake->Describe().merge);
  EXPECT_FALSE(lake->Describe().history);
  for (const WriteMode mode : {WriteMode::kMerge, WriteMode::kHistory}) {
    EXPECT_THAT([&] { lake->Examine(Target(mode), kFolderCall); },
                ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::remedy,
                                HasSubstr("write_mode: overwrite or append")));
    EXPECT_THAT([&] { lake->Begin(Target(mode), kFolderCall); },
                ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                                HasSubstr("never rewritten")));
  }
}

TEST_F(LakeFolder, ProbeLeavesNothing) {
  const auto lake = Open();
  lake->Probe(kFolderCall);
  EXPECT_FALSE(fs::exists(Options().folder));
  Bring(*lake, Target(), 1);
  lake->Probe(kFolderCall);
  EXPECT_THAT(Names(""), IsEmpty());
}

TEST_F(LakeFolder, RefusesWrongOptions) {
  const std::vector<std::function<void(LakeOptions&)>> wrong = {
      [](LakeOptions& o) { o.folder.clear(); },    [](LakeOptions& o) { o.prefix = "a"; },
      [](LakeOptions& o) { o.keep_versions = 0; }, [](LakeOptions& o) { o.memory_limit_mb = 63; },
      [](LakeOptions& o) { o.threads = 0; },       [](LakeOptions& o) { o.work_dir.clear(); }};
  for (const auto& spoil : wrong) {
    LakeOptions options = Options();
    spoil(options);
    EXPECT_THAT([&] { OpenLake(options, clock_, log_); }, ThrowsError(ErrorCode::kInvalidConfig));
  }
}

void LimitFiles(rlim_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(LakeFolder, AFullDiskLeavesTheOldVersion) {
  const auto lake = Open();
  Bring(*lake, Target(), 1);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  // Rows that do not compress: 2 MB.
  const model::LocalPart large = WritePart(
      dir_.path(), "large", "SELECT CAST(hash(range) >> 1 AS BIGINT) AS n FROM range(250000)");
  {
    auto load = lake->Begin(Target(), kFolderCall);
    LimitFiles(1 << 20);
    EXPECT_THAT(
        [&] {
          load->Add({&large, 1}, kFolderCall);
        },
        ThrowsErrorWith(ErrorCode::kNoSpace, &base::ErrorInfo::remedy,
                        HasSubstr("sales/orders/data")));
    setrlimit(RLIMIT_FSIZE, &before);
  }
  // And one that is full when the commit file is written.
  Ready ready = Loaded(*lake, Target(), 2);
  LimitFiles(1);
  EXPECT_THAT(
      [&] { ready.Commit("a2"); },
      ThrowsErrorWith(ErrorCode::kNoSpace, &base::ErrorInfo::remedy, HasSubstr("lake's folder")));
  setrlimit(RLIMIT_FSIZE, &before);
  ready.load.reset();
  EXPECT_THAT(Rows(), Optional(ElementsAre("1")));
  EXPECT_EQ(lake->ReadCommitted("sales.orders", kFolderCall)->watermark.value, "a1");
  Bring(*lake, Target(), 3);
  EXPECT_THAT(Rows(), Optional(ElementsAre("3")));
  lake->Close();
  EXPECT_THAT(Data(), SizeIs(2));
  EXPECT_THAT(Commits(), SizeIs(2));
}

}  // namespace
}  // namespace sluice::destinations::lake
