// Goal: one process has a DuckDB file open once, whatever the file is called, because two handles
// of it lose tables that were committed; and another file is never taken for it.
#include "destinations/duckdb/held_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "destinations/duckdb/duckdb_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HeldFileTest : public ::testing::Test {
 protected:
  fs::path Path(const std::string& name) const { return dir_.path() / name; }
  std::unique_ptr<Destination> Open(const std::string& name) {
    return OpenDuckDb({.path = Path(name), .work_dir = dir_.path()}, clock_, log_);
  }
  void Commit(Destination& destination, const std::string& table) {
    const model::StreamTarget target{
        .stream = table,
        .table = {"sales", table},
        .columns = {{.name = "n", .type = {.kind = model::TypeKind::kInt64}}}};
    destination.Begin(target, {})->Commit({.run = "r1", .attempt = "a1"}, {.notice_rows = 0}, {});
  }
  std::string MessageOf(const std::string& name) {
    try {
      Open(name);
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kConflict);
      return error.info().subject + ": " + error.info().message + ": " + error.info().remedy;
    }
    return "it was opened";
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  test::NullLogger log_;
};

// Without the guard the second handle does not see this table, and its own overwrites it.
TEST_F(HeldFileTest, ASecondHandleOfAFileIsRefusedAndTheFirstKeepsItsTables) {
  auto first = Open("a.duckdb");
  Commit(*first, "orders");
  EXPECT_THAT(MessageOf("a.duckdb"),
              AllOf(HasSubstr("a.duckdb: this process has the file open already: Close the first"),
                    HasSubstr("a file of its own")));
  Commit(*first, "items");
  first->Close();
  auto again = Open("a.duckdb");
  EXPECT_TRUE(again->ReadCommitted("orders", {}));
  EXPECT_TRUE(again->ReadCommitted("items", {}));
}

TEST_F(HeldFileTest, AFileThatIsMadeJustNowIsHeldToo) {
  auto first = Open("fresh.duckdb");
  EXPECT_THAT(MessageOf("fresh.duckdb"), HasSubstr("has the file open already"));
}

// Opening and closing a descriptor would release DuckDB's lock, and another process would get in.
TEST_F(HeldFileTest, BeingRefusedLeavesTheLockOfTheFirst) {
  auto first = Open("a.duckdb");
  Commit(*first, "orders");
  MessageOf("a.duckdb");
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(Path("a.duckdb").c_str(), O_RDWR | O_CLOEXEC);
    _exit(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "another process could lock the file";
}

TEST_F(HeldFileTest, LinksAndOtherSpellingsAreTheSameFile) {
  { Commit(*Open("real.duckdb"), "orders"); }
  fs::create_symlink(Path("real.duckdb"), Path("soft.duckdb"));
  fs::create_hard_link(Path("real.duckdb"), Path("hard.duckdb"));
  fs::create_directory(Path("folder"));
  fs::create_directory_symlink(dir_.path(), Path("folder/up"));
  auto first = Open("soft.duckdb");
  for (const char* name : {"real.duckdb", "hard.duckdb", "folder/up/real.duckdb"}) {
    EXPECT_THAT(MessageOf(name),
                AllOf(HasSubstr(name), HasSubstr("has the same file open already, as "),
                      HasSubstr("soft.duckdb")));
  }
}

TEST_F(HeldFileTest, AnotherFileInItsPlaceIsNotTheSame) {
  { Commit(*Open("other.duckdb"), "items"); }
  auto first = Open("a.duckdb");
  Commit(*first, "orders");
  fs::remove(Path("a.duckdb.wal"));
  fs::rename(Path("other.duckdb"), Path("a.duckdb"));
  auto second = Open("a.duckdb");
  EXPECT_TRUE(second->ReadCommitted("items", {}));
  EXPECT_FALSE(second->ReadCommitted("orders", {}));
}

TEST_F(HeldFileTest, ClosedOrFailedItIsFree) {
  Open("a.duckdb")->Close();
  { auto dropped = Open("a.duckdb"); }
  std::ofstream(Path("text")) << "not a database";
  EXPECT_THAT([&] { Open("text"); }, test::ThrowsError(ErrorCode::kUnsupported));
  fs::remove(Path("text"));
  EXPECT_NO_THROW(Open("text"));
  EXPECT_NO_THROW(Open("a.duckdb"));
}

TEST_F(HeldFileTest, TwoFilesMayBeOpenAtATime) {
  auto one = Open("one.duckdb");
  auto two = Open("two.duckdb");
  Commit(*one, "orders");
  Commit(*two, "orders");
}

TEST_F(HeldFileTest, OfManyThreadsOneMakesTheFile) {
  std::atomic<int> opened = 0;
  std::atomic<int> refused = 0;
  std::vector<std::unique_ptr<HeldFile>> held(8);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : held) {
      threads.emplace_back([&] {
        try {
          mine = std::make_unique<HeldFile>(Path("new.duckdb"));
          ++opened;
        } catch (const base::Error&) {
          ++refused;
        }
      });
    }
  }
  EXPECT_EQ(opened, 1);
  EXPECT_EQ(refused, 7);
}

// Held by its name before there is a file, then by the file itself: never by neither.
TEST_F(HeldFileTest, BetweenMakingAndOpeningAFileItsNameIsHeld) {
  std::optional<HeldFile> first(std::in_place, Path("new.duckdb"));
  std::ofstream(Path("new.duckdb")) << "DUCK";
  EXPECT_THAT([&] { HeldFile second(Path("new.duckdb")); },
              test::ThrowsError(ErrorCode::kConflict));
  fs::create_symlink(Path("new.duckdb"), Path("soft.duckdb"));
  EXPECT_THAT([&] { HeldFile second(Path("soft.duckdb")); },
              test::ThrowsError(ErrorCode::kConflict));
  {
    const base::Descriptor file(open(Path("new.duckdb").c_str(), O_RDONLY | O_CLOEXEC));
    first->Opened(file.get());
  }
  fs::create_hard_link(Path("new.duckdb"), Path("hard.duckdb"));
  EXPECT_THAT([&] { HeldFile second(Path("hard.duckdb")); },
              test::ThrowsError(ErrorCode::kConflict));
  first.reset();
  EXPECT_NO_THROW(HeldFile(Path("hard.duckdb")));
}

}  // namespace
}  // namespace sluice::destinations::duckdb
