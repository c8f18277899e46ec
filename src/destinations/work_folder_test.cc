// Goal: nothing that a killed process wrote for a while stays for ever, and nothing that a living
// one uses goes.
#include "destinations/work_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace sluice::destinations {
namespace {

namespace fs = std::filesystem;

std::size_t Count(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(WorkFolder, GoesWithItsOwner) {
  const test::TempDir dir;
  {
    WorkFolder folder(dir.path() / "parts", "lake");
    EXPECT_FALSE(fs::exists(dir.path() / "parts"));
    folder.Make();
    folder.Make();
    std::ofstream(folder.path() / "x") << "x";
    // Another that begins meanwhile leaves it alone.
    WorkFolder other(dir.path() / "parts", "lake");
    other.Make();
    EXPECT_TRUE(fs::exists(folder.path() / "x"));
    EXPECT_EQ(Count(dir.path() / "parts"), 4u);
  }
  EXPECT_EQ(Count(dir.path() / "parts"), 0u);
}

TEST(WorkFolder, OfAKilledProcessGoesWhenTheNextBegins) {
  const test::TempDir dir;
  const pid_t child = fork();
  if (child == 0) {
    WorkFolder folder(dir.path(), "lake");
    folder.Make();
    std::ofstream(folder.path() / "x") << "x";
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(Count(dir.path()), 2u);
  std::ofstream(dir.path() / "lake-other") << "not a folder of ours: it has no lock";
  const WorkFolder of_others(dir.path(), "duckdb");
  EXPECT_EQ(Count(dir.path()), 3u);
  const WorkFolder next(dir.path(), "lake");
  EXPECT_EQ(Count(dir.path()), 1u);
}

// Rows lie in it, and its parent may be /tmp.
TEST(WorkFolder, IsPrivateWhateverTheUmaskIs) {
  const test::TempDir dir;
  const mode_t before = umask(0);
  WorkFolder folder(dir.path(), "duckdb");
  folder.Make();
  std::ofstream(folder.path() / "rows") << "x";
  fs::create_directory(folder.path() / "spill");
  std::ofstream(folder.path() / "spill" / "rows") << "x";
  umask(before);
  const auto mode = [](const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions()) & 0777U;
  };
  EXPECT_EQ(mode(folder.path()), 0700u);
  EXPECT_EQ(mode(folder.path() / "rows") & 0077U, 0u);
  EXPECT_EQ(mode(folder.path() / "spill") & 0077U, 0u);
  EXPECT_EQ(mode(folder.path() / "spill" / "rows") & 0077U, 0u);
  EXPECT_EQ(mode(folder.path().string() + ".lock") & 0077U, 0u);
}

TEST(WorkFolder, HasANameThatNobodyKnowsBeforehand) {
  const test::TempDir dir;
  EXPECT_NE(WorkFolder(dir.path(), "duckdb").path(), WorkFolder(dir.path(), "duckdb").path());
}

TEST(WorkFolder, FollowsNoLink) {
  const test::TempDir dir;
  const fs::path mine = dir.path() / "mine";
  fs::create_directories(mine);
  std::ofstream(mine / "x") << "x";
  std::ofstream(dir.path() / "x") << "x";
  const fs::path work = dir.path() / "work";
  fs::create_directories(work);
  // A lock that is a link is no lock of ours, nor is a folder that is one.
  fs::create_symlink(dir.path() / "x", work / "lake-1.lock");
  fs::create_symlink(mine, work / "lake-1");
  std::ofstream(work / "lake-2.lock");
  fs::create_symlink(mine, work / "lake-2");
  const WorkFolder next(work, "lake");
  EXPECT_TRUE(fs::exists(mine / "x"));
  EXPECT_TRUE(fs::is_symlink(work / "lake-1"));
  EXPECT_TRUE(fs::is_symlink(work / "lake-1.lock"));
  EXPECT_TRUE(fs::is_symlink(work / "lake-2"));
}

}  // namespace
}  // namespace sluice::destinations
