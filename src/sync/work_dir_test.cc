// Goal: a folder that takes no part is refused before anything is paid for, and the question leaves
// nothing behind.
#include "sync/work_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::sync {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

TEST(CheckWorkDir, LeavesNeitherFilesNorFolders) {
  const test::TempDir dir;
  CheckWorkDir(dir.path() / "a" / "b");
  EXPECT_TRUE(fs::is_empty(dir.path()));
  fs::create_directory(dir.path() / "a");
  std::ofstream(dir.path() / "a" / "theirs") << "x";
  CheckWorkDir(dir.path() / "a" / "b/");
  CheckWorkDir(dir.path() / "a");
  EXPECT_TRUE(fs::exists(dir.path() / "a" / "theirs"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path() / "a"), fs::directory_iterator()), 1);
}

TEST(CheckWorkDir, RefusesAFileAndWhatLiesBelowOne) {
  const test::TempDir dir;
  std::ofstream(dir.path() / "file") << "x";
  for (const char* name : {"file", "file/below", "file/far/below"}) {
    EXPECT_THAT([&] { CheckWorkDir(dir.path() / name); }, test::ThrowsError(ErrorCode::kPermission))
        << name;
  }
  EXPECT_EQ(fs::file_size(dir.path() / "file"), 1U);
}

TEST(CheckWorkDir, RefusesAFolderThatTakesNoFile) {
  // Root may write anywhere, but not here.
  EXPECT_THAT([] { CheckWorkDir("/proc/self"); }, ::testing::Throws<base::Error>());
  EXPECT_THAT([] { CheckWorkDir("/proc/no-such-folder"); }, ::testing::Throws<base::Error>());
  if (geteuid() == 0) return;
  const test::TempDir dir;
  fs::permissions(dir.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT([&] { CheckWorkDir(dir.path()); }, test::ThrowsError(ErrorCode::kPermission));
  EXPECT_THAT([&] { CheckWorkDir(dir.path() / "a"); }, test::ThrowsError(ErrorCode::kPermission));
  fs::permissions(dir.path(), fs::perms::owner_all);
}

// The limit of one file's size stands in for a disk: it is met in the same place.
[[noreturn]] void CheckUnderALimit(const fs::path& folder) {
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, 4096};
  setrlimit(RLIMIT_FSIZE, &small);
  try {
    CheckWorkDir(folder);
  } catch (const base::Error& error) {
    _exit(error.code() == ErrorCode::kNoSpace && error.info().reason == "disk_full" ? 0 : 1);
  }
  _exit(2);
}

TEST(CheckWorkDir, TellsAFullDiskApart) {
  const test::TempDir dir;
  EXPECT_EXIT(CheckUnderALimit(dir.path()), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sluice::sync
