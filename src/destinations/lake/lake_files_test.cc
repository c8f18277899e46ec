// Goal: a name in a lake is taken once, whoever comes together, and what is there stays as it was.
#include "destinations/lake/lake_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "tests/support/folder_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::ThrowsError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

const base::Call kFilesCall;

enum class Where { kFolder, kBucket };

class LakeFilesTest : public ::testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    if (GetParam() == Where::kFolder) {
      files_ = OpenFolder(dir_.path() / "lake");
    } else {
      files_ = OpenBucket(store_, "lake", "w/", dir_.path());
    }
  }
  std::vector<std::string> Names(const std::string& folder) {
    std::vector<std::string> names;
    for (const FileInfo& file : files_->List(folder, kFilesCall)) names.push_back(file.name);
    return names;
  }

  const test::TempDir dir_;
  test::FolderObjectStore store_{dir_.path() / "buckets", "lake"};
  std::unique_ptr<LakeFiles> files_;
};

TEST_P(LakeFilesTest, ANameIsTakenOnce) {
  EXPECT_TRUE(files_->Create("a/b/c", "mine", kFilesCall));
  EXPECT_FALSE(files_->Create("a/b/c", "theirs", kFilesCall));
  EXPECT_THAT(files_->Read("a/b/c", 99, kFilesCall), Optional(std::string("mine")));
  // The repeat of a request whose answer was lost.
  EXPECT_TRUE(files_->Create("a/b/c", "mine", kFilesCall));
  EXPECT_THAT(Names("a/b"), ElementsAre("c"));
}

TEST_P(LakeFilesTest, OfManyWhoComeTogetherOneWins) {
  for (int round = 0; round < 20; ++round) {
    const std::string name = "r/" + std::to_string(round);
    std::atomic<int> won = 0;
    std::atomic<int> winner = -1;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
          if (!files_->Create(name, "of " + std::to_string(i), kFilesCall)) return;
          ++won;
          winner = i;
        });
      }
    }
    EXPECT_EQ(won, 1);
    EXPECT_THAT(files_->Read(name, 99, kFilesCall), Optional("of " + std::to_string(winner)));
  }
}

TEST_P(LakeFilesTest, ListsOneFolderByName) {
  for (const char* name : {"f/b", "f/a", "f/sub/x", "fa", "g"}) {
    files_->Replace(name, name, kFilesCall);
  }
  EXPECT_THAT(Names("f"), ElementsAre("a", "b"));
  EXPECT_THAT(Names("none"), IsEmpty());
  EXPECT_EQ(files_->List("f", kFilesCall).front().bytes, 3u);
}

TEST_P(LakeFilesTest, ReplacesRemovesAndReads) {
  files_->Replace("f/a", "1", kFilesCall);
  files_->Replace("f/a", "22", kFilesCall);
  EXPECT_THAT(files_->Read("f/a", 2, kFilesCall), Optional(std::string("22")));
  EXPECT_THAT([&] { files_->Read("f/a", 1, kFilesCall); }, ThrowsError(ErrorCode::kCorrupt));
  EXPECT_EQ(files_->Read("f/none", 9, kFilesCall), std::nullopt);
  EXPECT_THAT(files_->Remove({"f/a", "f/none"}, kFilesCall), IsEmpty());
  EXPECT_THAT(Names("f"), IsEmpty());
}

TEST_P(LakeFilesTest, BringsWhatWasWrittenToItsPlace) {
  std::ofstream(files_->Place("t/data/x.parquet")) << "rows";
  files_->Bring("t/data/x.parquet", kFilesCall);
  EXPECT_THAT(files_->Read("t/data/x.parquet", 9, kFilesCall), Optional(std::string("rows")));
  // Nowhere else.
  EXPECT_FALSE(fs::exists(dir_.path() / "x.parquet"));
}

TEST_P(LakeFilesTest, StopsWhenItIsTold) {
  std::stop_source stop;
  stop.request_stop();
  const base::Call call{.deadline = {}, .stop = stop.get_token()};
  EXPECT_THAT([&] { files_->Create("a", "b", call); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { files_->List("a", call); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { files_->Read("a", 1, call); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { files_->Remove({"a"}, call); }, ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { files_->Probe(call); }, ThrowsError(ErrorCode::kCancelled));
}

INSTANTIATE_TEST_SUITE_P(Both, LakeFilesTest, ::testing::Values(Where::kFolder, Where::kBucket),
                         [](const auto& where) {
                           return where.param == Where::kFolder ? "Folder" : "Bucket";
                         });

TEST(LakeFolderFiles, TellsWhatIsInTheWay) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "file") << "x";
  fs::create_symlink(dir.path() / "nothing", dir.path() / "dangling");
  fs::create_symlink(dir.path() / "loop", dir.path() / "loop");
  const std::vector<std::pair<fs::path, std::string>> cases = {
      {dir.path() / "file", "it is a file"},
      {dir.path() / "file" / "lake", "above it is a file"},
      {dir.path() / "dangling", "link to nothing"},
      {dir.path() / "loop", "leads to itself"},
      {"/dev/null", "no folder"}};
  for (const auto& [path, what] : cases) {
    EXPECT_THAT(
        [&] { OpenFolder(path); },
        test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message, HasSubstr(what)))
        << path;
  }
  fs::create_directory(dir.path() / "real");
  fs::create_symlink(dir.path() / "real", dir.path() / "link");
  OpenFolder(dir.path() / "link")->Probe(kFilesCall);
}

}  // namespace
}  // namespace sluice::destinations::lake
