// Goal: whatever a death does to the blocks that DuckDB rewrites in place, the next who opens the
// file finds what was committed; and no file is touched that the copy is not of.
// G18: A DuckDB file that a death cut off in the middle of DuckDB's own writing is whole again when
// the next sync opens it.
#include "destinations/duckdb/checkpoint_undo.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "columnar/database.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using columnar::Database;
using ::testing::ElementsAre;

const columnar::Task kUndoTask{"test", "a DuckDB file"};
constexpr std::uint64_t kHeaders = 3 * 4096;

Database Open(const fs::path& file) {
  return Database::Open({.file = file, .threads = 1, .checkpoints = false});
}

std::vector<std::string> Ask(Database& database, const std::string& sql) {
  std::vector<std::string> cells;
  for (const auto& row : database.Connect().Run(sql, {}, kUndoTask).rows) {
    cells.push_back(row[0].value_or("NULL"));
  }
  return cells;
}

class CheckpointUndoTest : public ::testing::Test {
 protected:
  CheckpointUndoTest() : file_(dir_.path() / "acme.duckdb") {
    Database database = Open(file_);
    Ask(database, "CREATE TABLE t AS SELECT CAST(range AS BIGINT) AS n FROM range(3)");
    Ask(database, "CHECKPOINT");
  }

  // Commits `change` and copies the blocks, as before a checkpoint; `then` goes on from there. The
  // copy stays, as after a death.
  void Interrupted(const std::function<void(Database&)>& then,
                   const std::string& change = "INSERT INTO t VALUES (3)") {
    Database database = Open(file_);
    Ask(database, change);
    for (const std::string& block :
         Ask(database, "SELECT DISTINCT block_id FROM pragma_metadata_info()")) {
      blocks_.push_back(std::stoll(block));
    }
    const int fd = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    const CheckpointUndo undo(file_, fd, blocks_, kBlock);
    close(fd);
    ASSERT_TRUE(fs::exists(UndoFileOf(file_)));
    then(database);
  }
  // The first pages of a write of a block, and no more.
  void Tear(std::int64_t block) const {
    std::fstream out(file_, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(kHeaders + static_cast<std::uint64_t>(block) * kBlock));
    out << std::string(40'000, 'x');
  }
  std::vector<std::string> Rows() const {
    Database database = Open(file_);
    return Ask(database, "SELECT n FROM t ORDER BY n");
  }
  std::string Bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static constexpr std::uint64_t kBlock = 262'144;
  test::TempDir dir_;
  const fs::path file_;
  std::vector<std::int64_t> blocks_;
};

TEST_F(CheckpointUndoTest, ATornBlockIsPutBack) {
  Interrupted([](Database&) {});
  ASSERT_FALSE(blocks_.empty());
  for (const std::int64_t block : blocks_) Tear(block);
  EXPECT_THROW(Rows(), base::Error);
  EXPECT_TRUE(RepairAfterCrash(file_));
  EXPECT_THAT(Rows(), ElementsAre("0", "1", "2", "3"));
  EXPECT_FALSE(fs::exists(UndoFileOf(file_)));
  EXPECT_FALSE(RepairAfterCrash(file_));
}

// DuckDB itself makes the wound: its write of the block ends after the first page, and so does the
// process.
TEST_F(CheckpointUndoTest, KilledInsideTheWriteOfABlockLosesNothing) {
  EXPECT_EXIT(
      {
        // No row, or DuckDB would write a new block first.
        Interrupted(
            [](Database& database) {
              const rlimit limit{.rlim_cur = kHeaders + 4096, .rlim_max = RLIM_INFINITY};
              setrlimit(RLIMIT_FSIZE, &limit);
              Ask(database, "CHECKPOINT");
            },
            "CREATE TABLE u (n BIGINT)");
      },
      ::testing::KilledBySignal(SIGXFSZ), "");
  EXPECT_THROW(Rows(), base::Error);
  EXPECT_TRUE(RepairAfterCrash(file_));
  EXPECT_THAT(Rows(), ElementsAre("0", "1", "2"));
  Database database = Open(file_);
  EXPECT_THAT(Ask(database, "SELECT CAST(count(*) AS BIGINT) FROM u"), ElementsAre("0"));
}

TEST_F(CheckpointUndoTest, ACheckpointThatCameToItsEndStays) {
  Interrupted([](Database& database) { Ask(database, "CHECKPOINT"); });
  const std::string before = Bytes();
  EXPECT_FALSE(RepairAfterCrash(file_));
  EXPECT_EQ(Bytes(), before);
  EXPECT_THAT(Rows(), ElementsAre("0", "1", "2", "3"));
  EXPECT_FALSE(fs::exists(UndoFileOf(file_)));
}

TEST_F(CheckpointUndoTest, AnotherFileOfThatNameIsLeftAlone) {
  Interrupted([](Database&) {});
  Tear(blocks_.at(0));
  const fs::path copy = dir_.path() / "copy";
  fs::copy_file(file_, copy);
  fs::rename(copy, file_);
  const std::string before = Bytes();
  EXPECT_FALSE(RepairAfterCrash(file_));
  EXPECT_EQ(Bytes(), before);
  EXPECT_FALSE(fs::exists(UndoFileOf(file_)));
}

TEST_F(CheckpointUndoTest, ACopyWithoutItsFileGoes) {
  Interrupted([](Database&) {});
  fs::remove(file_);
  EXPECT_FALSE(RepairAfterCrash(file_));
  EXPECT_FALSE(fs::exists(UndoFileOf(file_)));
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(CheckpointUndoTest, AFileThatDuckDbHadNotFinishedMakingGoes) {
  for (const std::uintmax_t bytes : {4096, 8192}) {
    const fs::path fresh = dir_.path() / fmt::format("fresh-{}", bytes);
    { Open(fresh); }
    fs::resize_file(fresh, bytes);
    EXPECT_THROW(Open(fresh), base::Error);
    EXPECT_TRUE(RepairAfterCrash(fresh));
    EXPECT_FALSE(fs::exists(fresh));
  }
}

TEST_F(CheckpointUndoTest, AShortFileOfSomebodyElseStays) {
  const fs::path notes = dir_.path() / "notes";
  std::ofstream(notes) << std::string(5000, 'n');
  EXPECT_FALSE(RepairAfterCrash(notes));
  EXPECT_TRUE(fs::exists(notes));
}

TEST_F(CheckpointUndoTest, WhatCannotBeCopiedIsToldAndLeavesNothing) {
  const int fd = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_THAT([&] { CheckpointUndo(file_, fd, {1'000'000}, kBlock); },
              test::ThrowsError(base::ErrorCode::kDestination));
  close(fd);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);
}

}  // namespace
}  // namespace sluice::destinations::duckdb
