// Goal: rows never go into a database that is not the file somebody named: what stands there is
// refused by what it is, and stays as it was.
// G41: Rows land in the DuckDB file, the database or the lake that the configuration names, or
// nowhere.
#include "destinations/duckdb/database_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "columnar/sql_text.h"
#include "destinations/duckdb/duckdb_destination.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using ::testing::HasSubstr;

const columnar::Task kFileTask{"test", "a file"};

std::string Content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class DatabaseFile : public ::testing::Test {
 protected:
  fs::path Path(const std::string& name) const { return dir_.path() / name; }
  fs::path Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  // What DuckDB makes of `sql`, a COPY's source, in the format that the name tells.
  fs::path Copy(const std::string& name) const {
    columnar::Database database = columnar::Database::Open({.threads = 1});
    database.Connect().Run("COPY (SELECT range AS n, 'a' AS t FROM range(200)) TO " +
                               columnar::QuoteText(Path(name).string()),
                           {}, kFileTask);
    return Path(name);
  }
  std::unique_ptr<Destination> Open(const fs::path& path) {
    return OpenDuckDb({.path = path, .work_dir = Path("work"), .parts_dir = dir_.path()}, clock_,
                      log_);
  }
  void ExpectRefused(const fs::path& path, const std::string& what) {
    SCOPED_TRACE(path);
    try {
      Open(path)->Probe({});
      ADD_FAILURE() << "it was opened";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_EQ(error.info().reason, "not_duckdb");
      EXPECT_FALSE(error.info().retryable);
      EXPECT_THAT(error.info().message, HasSubstr(what));
      EXPECT_THAT(error.info().subject, HasSubstr(path.filename().string()));
      EXPECT_NE(error.info().remedy, "");
    }
    EXPECT_FALSE(fs::exists(path.string() + ".wal"));
    EXPECT_FALSE(fs::exists(path.string() + ".undo"));
  }

  const test::TempDir dir_;
  test::FakeClock clock_;
  test::NullLogger log_;
};

TEST_F(DatabaseFile, FilesOfOtherKindsAreRefusedAndStay) {
  const std::string sqlite = std::string("SQLite format 3\0", 16) + std::string(4080, '\1');
  const std::vector<std::pair<fs::path, std::string>> files = {
      {Copy("x.csv"), "not a DuckDB database"},
      {Copy("x.parquet"), "Parquet"},
      {Copy("x.json"), "not a DuckDB database"},
      // The name says nothing: what is in it counts.
      {Write("csv.duckdb", Content(Path("x.csv"))), "not a DuckDB database"},
      {Write("parquet.duckdb", Content(Path("x.parquet"))), "Parquet"},
      {Write("json.duckdb", Content(Path("x.json"))), "not a DuckDB database"},
      {Write("x.db", sqlite), "SQLite"},
      {Write("x.xlsx", "PK\x03\x04zip"), "Excel"},
      {Write("x.csv.gz", "\x1f\x8b\x08"), "gzip"},
      {Write("x.avro", "Obj\x01..."), "Avro"},
      {Write("short", "a"), "not a DuckDB database"},
      {Write("text", "DUCK is a word"), "not a DuckDB database"}};
  for (const auto& [path, what] : files) {
    const std::string before = Content(path);
    ExpectRefused(path, what);
    EXPECT_EQ(Content(path), before);
  }
}

TEST_F(DatabaseFile, WhatIsNoFileIsRefused) {
  fs::create_directories(Path("folder"));
  ExpectRefused(Path("folder"), "a folder");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  ExpectRefused(Path("pipe"), "a pipe");
  fs::create_symlink(Path("nothing"), Path("dangling"));
  ExpectRefused(Path("dangling"), "a symbolic link to nothing");
  EXPECT_FALSE(fs::exists(Path("nothing")));
  fs::create_symlink(Path("folder"), Path("to-folder"));
  ExpectRefused(Path("to-folder"), "a folder");
  fs::create_symlink(Path("loop"), Path("loop"));
  ExpectRefused(Path("loop"), "leads to itself");
  ExpectRefused("/dev/null", "a device");
}

TEST_F(DatabaseFile, AFileThatIsToBeMadeAnEmptyOneAndALinkToOneAreFine) {
  Open(Path("new.duckdb"))->Probe({});
  Open(Write("empty.duckdb", ""))->Probe({});
  {
    columnar::Database database = columnar::Database::Open({.file = Path("real.duckdb")});
    database.Connect().Run("CREATE TABLE t AS SELECT 1 AS a", {}, kFileTask);
  }
  fs::create_symlink(Path("real.duckdb"), Path("link"));
  Open(Path("link"))->Probe({});
  EXPECT_TRUE(fs::exists(Path("real.duckdb")));
}

// Signs that DuckDB reads as something else in a path that is not absolute.
TEST_F(DatabaseFile, APathIsThatPathWhateverSignsAreInIt) {
  const fs::path before = fs::current_path();
  fs::current_path(dir_.path());
  for (const char* name : {"md:acme", "sqlite:x.db", "~", "~x.duckdb", ":memory:x", "a?b=c.duckdb",
                           "a'b\".duckdb", "x [1]*.duckdb"}) {
    SCOPED_TRACE(name);
    const auto destination = Open(name);
    destination->Probe({});
    EXPECT_TRUE(fs::exists(Path(name)));
    destination->Close();
  }
  fs::current_path(before);
}

TEST_F(DatabaseFile, NamesAFolderThatIsNotThere) {
  EXPECT_THAT([&] { Open(Path("no/such/x.duckdb")); }, test::ThrowsError(ErrorCode::kNotFound));
  Write("file", "x");
  EXPECT_THAT([&] { Open(Path("file/x.duckdb")); }, test::ThrowsError(ErrorCode::kNotFound));
}

// As DuckDB opens what it takes for data.
TEST_F(DatabaseFile, ADatabaseInMemoryIsNotTheFile) {
  const fs::path file = Write("x.duckdb", "a,b\n1,2\n");
  columnar::Database database = columnar::Database::Open({.threads = 1});
  columnar::Connection connection = database.Connect();
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_THAT([&] { RequireInUse(connection, file, fd); },
              test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::reason,
                                    ::testing::Eq("not_duckdb")));
  close(fd);
}

TEST_F(DatabaseFile, AFileThatWasPutInItsPlaceIsNotTheOneInUse) {
  const fs::path file = Path("x.duckdb");
  columnar::Database database = columnar::Database::Open({.file = file});
  columnar::Connection connection = database.Connect();
  connection.Run("CREATE TABLE t AS SELECT 1 AS a", {}, kFileTask);
  {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    RequireInUse(connection, file, fd);
    close(fd);
  }
  fs::rename(file, Path("moved.duckdb"));
  { columnar::Database other = columnar::Database::Open({.file = Path("other.duckdb")}); }
  fs::rename(Path("other.duckdb"), file);
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_THAT([&] { RequireInUse(connection, file, fd); }, test::ThrowsError(ErrorCode::kConflict));
  close(fd);
}

TEST_F(DatabaseFile, WhatIsKeptBesideItFollowsNoLink) {
  const fs::path file = Path("x.duckdb");
  {
    columnar::Database database = columnar::Database::Open({.file = file});
    database.Connect().Run("CREATE TABLE t AS SELECT 1 AS a", {}, kFileTask);
  }
  const fs::path mine = Write("mine", "somebody's");
  fs::create_symlink(mine, Path("x.duckdb.undo.new"));
  auto destination = Open(file);
  const model::StreamTarget target{.stream = "s.t",
                                   .table = {"s", "t"},
                                   .columns = {{"n", {model::TypeKind::kInt64}}},
                                   .write_mode = model::WriteMode::kOverwrite};
  auto load = destination->Begin(target, {});
  load->Commit({.run = "r", .attempt = "a"}, {}, {});
  load.reset();
  destination->Close();
  EXPECT_EQ(Content(mine), "somebody's");
  fs::remove(Path("x.duckdb.undo.new"));
  fs::create_symlink(mine, Path("x.duckdb.undo"));
  EXPECT_THROW(Open(file), base::Error);
  EXPECT_EQ(Content(mine), "somebody's");
}

}  // namespace
}  // namespace sluice::destinations::duckdb
