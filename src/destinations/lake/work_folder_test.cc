// Goal: nothing that a killed process wrote for a while stays for ever, and nothing that a living
// one uses goes.
#include "destinations/lake/work_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
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
    WorkFolder folder(dir.path() / "parts");
    EXPECT_FALSE(fs::exists(dir.path() / "parts"));
    folder.Make();
    folder.Make();
    std::ofstream(folder.path() / "x") << "x";
    // Another that begins meanwhile leaves it alone.
    WorkFolder other(dir.path() / "parts");
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
    WorkFolder folder(dir.path());
    folder.Make();
    std::ofstream(folder.path() / "x") << "x";
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(Count(dir.path()), 2u);
  std::ofstream(dir.path() / "lake-other") << "not a folder of ours: it has no lock";
  const WorkFolder next(dir.path());
  EXPECT_EQ(Count(dir.path()), 1u);
}

}  // namespace
}  // namespace sluice::destinations
