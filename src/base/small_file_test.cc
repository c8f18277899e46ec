// Goal: whatever a name of a file stands for, reading it ends, with what was wrong.
#include "base/small_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace sluice::base {
namespace {

using testing::HasSubstr;

// Of tests that wait it out.
constexpr std::chrono::milliseconds kPatience{200};
constexpr std::size_t kMax = 1000;

class SmallFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }
  test::TempDir dir_;
};

TEST_F(SmallFileTest, ReadsAFileWhole) {
  std::ofstream(Path("a"), std::ios::binary) << std::string("x\0y\n", 4);
  const SmallFile file = ReadSmallFile(Path("a"), 4);
  EXPECT_EQ(file.text, std::string("x\0y\n", 4));
  EXPECT_EQ(file.problem, "");
}

TEST_F(SmallFileTest, SaysWhatIsMissing) {
  const SmallFile file = ReadSmallFile(Path("none"), kMax);
  EXPECT_TRUE(file.missing);
  EXPECT_EQ(file.problem, "does not exist");
}

TEST_F(SmallFileTest, TakesDevNullForAnEmptyFile) {
  const SmallFile file = ReadSmallFile("/dev/null", kMax);
  EXPECT_EQ(file.text, "");
  EXPECT_EQ(file.problem, "");
}

TEST_F(SmallFileTest, RefusesADeviceWithoutAnEnd) {
  EXPECT_THAT(ReadSmallFile("/dev/zero", kMax).problem, HasSubstr("has no end"));
  EXPECT_EQ(ReadSmallFile("/dev/zero", kMax).text, "");
}

TEST_F(SmallFileTest, RefusesWhatIsLonger) {
  std::ofstream(Path("a")) << std::string(kMax + 1, 'x');
  EXPECT_THAT(ReadSmallFile(Path("a"), kMax).problem, HasSubstr("longer than the 1000 bytes"));
}

TEST_F(SmallFileTest, RefusesAFolder) {
  EXPECT_EQ(ReadSmallFile(dir_.path().string(), kMax).problem, "is a folder, not a file");
}

TEST_F(SmallFileTest, ReadsAPipeThatSomebodyWritesTo) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(Path("pipe")) << "token"; });
  EXPECT_EQ(ReadSmallFile(Path("pipe"), kMax).text, "token");
  writer.join();
}

TEST_F(SmallFileTest, GivesUpOnAPipeThatNobodyWritesTo) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(ReadSmallFile(Path("pipe"), kMax, kPatience).problem, HasSubstr("did not end"));
}

TEST_F(SmallFileTest, GivesUpOnAPipeThatStaysOpen) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  const int writer = open(Path("pipe").c_str(), O_RDWR);
  ASSERT_GE(writer, 0);
  EXPECT_THAT(ReadSmallFile(Path("pipe"), kMax, kPatience).problem, HasSubstr("did not end"));
  close(writer);
}

TEST_F(SmallFileTest, NamesTheLimitOfOpenFiles) {
  std::ofstream(Path("a")) << "x";
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const SmallFile file = ReadSmallFile(Path("a"), kMax);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(file.problem, HasSubstr("too many open files (limit 3): raise it with ulimit -n"));
  EXPECT_FALSE(file.missing);
}

}  // namespace
}  // namespace sluice::base
