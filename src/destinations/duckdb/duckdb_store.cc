#include "destinations/duckdb/duckdb_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

#include "columnar/sql_text.h"
#include "destinations/duckdb/checkpoint_undo.h"
#include "destinations/duckdb/database_file.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "destinations/duckdb/duckdb_load.h"
#include "destinations/duckdb/duckdb_runner.h"
#include "destinations/duckdb/state_schema.h"
#include "destinations/duckdb/target_table.h"

namespace sluice::destinations::duckdb {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

void CheckOption(bool holds, std::string field, std::string message, std::string remedy) {
  if (holds) return;
  throw base::Error({.code = ErrorCode::kInvalidConfig,
                     .operation = "open DuckDB file",
                     .subject = std::move(field),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

DuckDbOptions Checked(DuckDbOptions options) {
  CheckOption(!options.path.empty(), "destination.path", "it is empty",
              "Name the DuckDB file, for example `path: acme.duckdb`.");
  CheckOption(options.memory_limit_mb >= 64, "destination.memory_limit_mb",
              fmt::format("{} is below 64", options.memory_limit_mb), "Give at least 64.");
  CheckOption(options.threads >= 1, "destination.threads",
              fmt::format("{} is below 1", options.threads), "Give at least 1.");
  // One path for everything: DuckDB expands a '~', takes "word:" for another kind of database, and
  // looks from wherever the process is; nothing of that is in an absolute path.
  options.path = fs::absolute(options.path).lexically_normal();
  if (options.work_dir.empty()) options.work_dir = options.path.parent_path();
  if (options.parts_dir.empty()) options.parts_dir = options.work_dir;
  return options;
}

// What is missing of `folder`, innermost first.
std::vector<fs::path> MissingFolders(fs::path folder) {
  std::vector<fs::path> missing;
  std::error_code ignored;
  for (; !folder.empty() && !fs::exists(folder, ignored); folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  return missing;
}

// What every load may use; OnRowBytes tells what some need beyond it.
constexpr int kFirstMemoryMb = 64;

// What DuckDB itself takes for a large log.
constexpr std::uintmax_t kLargeLogBytes = 16U << 20U;

fs::path WalOf(const fs::path& file) { return file.string() + ".wal"; }

std::uintmax_t LogBytes(const fs::path& file) {
  std::error_code none;
  const auto bytes = fs::file_size(WalOf(file), none);
  return none ? 0 : bytes;
}

std::int64_t ToNumber(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

}  // namespace

std::unique_ptr<Destination> OpenDuckDb(const DuckDbOptions& options, const base::Clock& clock,
                                        base::Logger& log) {
  return std::make_unique<DuckDbStore>(options, clock, log);
}

DuckDbStore::DuckDbStore(DuckDbOptions options, const base::Clock& clock, base::Logger& log)
    : options_(Checked(std::move(options))),
      held_(options_.path),
      clock_(clock),
      log_(log),
      claims_("DuckDB", columnar::FoldName),
      work_(options_.work_dir, "duckdb"),
      memory_mb_(kFirstMemoryMb),
      memory_max_mb_(options_.memory_limit_mb),
      threads_(options_.threads) {
  std::error_code ignored;
  RequireDuckDbFile(options_.path);
  if (RepairAfterCrash(options_.path)) {
    log_.Warning("repaired what a crash in the middle of a write had left", {{"file", Name()}});
  }
  const bool fresh = !fs::exists(options_.path, ignored);
  Open();
  columnar::Connection connection = database_->Connect();
  // By this, a file that a run leaves which dies before its first commit is known as ours.
  DuckDbRunner runner(connection, {.operation = "read state", .subject = Name()});
  state_columns_ = sql::ReadStateColumns(runner, TheDialect());
  if (fresh) state_made_ = MakeStateTable(connection, state_columns_, Name());
  maybe_ours_ = !state_columns_.empty();
}

DuckDbStore::~DuckDbStore() {
  try {
    Close();
  } catch (const std::exception&) {
    // Close was the place to report; what is committed is safe in the file and its log.
  }
}

void DuckDbStore::OpenFile::Open(const fs::path& path) {
  fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

void DuckDbStore::OpenFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void DuckDbStore::Open() {
  database_.emplace(columnar::Database::Open({.file = options_.path,
                                              .memory_limit_mb = memory_mb_,
                                              .threads = options_.threads,
                                              .temp_dir = work_.path() / "spill",
                                              .checkpoints = false,
                                              .folders = std::vector{options_.parts_dir}}));
  file_.Open(options_.path);
  held_.Opened(file_.fd());
  columnar::Connection connection = database_->Connect();
  RequireInUse(connection, options_.path, file_.fd());
  catalog_ =
      connection.Run("SELECT current_database()", {}, {.operation = "open", .subject = Name()})
          .rows.at(0)
          .at(0)
          .value_or("");
}

// DuckDB makes the last folder of a path only, and that not before it must spill.
void DuckDbStore::MakeWorkFolderLocked() {
  std::vector<fs::path> missing = MissingFolders(work_.path().parent_path());
  work_.Make();
  folders_made_.insert(folders_made_.end(), missing.begin(), missing.end());
}

Capabilities DuckDbStore::Describe() const {
  return {
      .overwrite = true, .append = true, .merge = true, .history = true, .parallel_loads = true};
}

std::string DuckDbStore::Name() const { return "DuckDB file " + options_.path.filename().string(); }

columnar::Connection DuckDbStore::Connect() {
  const std::lock_guard lock(mu_);
  return ConnectLocked();
}

// REQUIRES: mu_.
columnar::Connection DuckDbStore::ConnectLocked() {
  if (!database_) {
    throw base::Error({.code = ErrorCode::kInternal,
                       .operation = "use",
                       .subject = Name(),
                       .message = "it was closed"});
  }
  return database_->Connect();
}

std::optional<Committed> DuckDbStore::ReadCommitted(std::string_view stream,
                                                    const base::Call& call) {
  columnar::Connection connection = Connect();
  DuckDbRunner runner(connection, {.operation = "read state", .subject = Name()}, call.stop);
  return sql::ReadState(runner, TheDialect(), KnownStateColumns(), stream);
}

void DuckDbStore::Forget(std::string_view stream, const base::Call& call) {
  columnar::Connection connection = Connect();
  if (KnownStateColumns().empty()) return;
  DuckDbRunner runner(connection, {.operation = "forget the last commit", .subject = Name()},
                      call.stop);
  sql::ForgetState(runner, TheDialect(), stream);
}

std::unique_ptr<Load> DuckDbStore::Begin(const model::StreamTarget& target,
                                         const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("begin load", target.stream);
  CheckTarget(target);
  auto claim = claims_.Take(target);
  std::unique_lock lock(mu_);
  columnar::Connection connection = ConnectLocked();
  MakeWorkFolderLocked();
  state_made_ = MakeStateTable(connection, state_columns_, Name()) || state_made_;
  if (!names_) names_ = FileCatalog::Read(connection, Name());
  MakeSchemaLocked(connection, target.table.schema);
  const bool exists = names_->HasTable(target.table);
  lock.unlock();
  return std::make_unique<DuckDbLoad>(*this, target, exists, std::move(claim),
                                      std::move(connection));
}

model::Landing DuckDbStore::Examine(const model::StreamTarget& target, const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("examine", target.stream);
  CheckTarget(target);
  std::unique_lock lock(mu_);
  columnar::Connection connection = ConnectLocked();
  if (!names_) names_ = FileCatalog::Read(connection, Name());
  const bool exists = names_->HasSchema(target.table.schema) && names_->HasTable(target.table);
  lock.unlock();
  return DuckDbLoad::PlanFor(connection, catalog_, target, exists);
}

// REQUIRES: mu_; no transaction is open on `connection`.
void DuckDbStore::MakeSchemaLocked(columnar::Connection& connection, const std::string& schema) {
  if (names_->HasSchema(schema)) return;
  connection.Run("CREATE SCHEMA " + columnar::QuoteName(schema), {},
                 {.operation = "prepare table", .subject = "schema " + schema});
  names_->AddSchema(schema);
  schemas_made_.insert(schema);
}

sql::StateColumns DuckDbStore::KnownStateColumns() {
  const std::lock_guard lock(mu_);
  return state_columns_;
}

void DuckDbStore::Probe(const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("probe", Name());
  // DuckDB writes its log beside the file, so the folder must be writable as well.
  const fs::path folder = options_.path.parent_path();
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw base::Error({.code = ErrorCode::kPermission,
                       .operation = "probe",
                       .subject = "folder " + folder.string(),
                       .message = "it is not writable",
                       .remedy = "Let this user write it, or choose another `destination.path`."});
  }
  columnar::Connection connection = Connect();
  const columnar::Task task{.operation = "probe", .subject = Name()};
  connection.Run("BEGIN TRANSACTION", {}, task);
  connection.Run("CREATE SCHEMA _sluice_probe", {}, task, call.stop);
  connection.Run("ROLLBACK", {}, task);
}

void DuckDbStore::OnCommitted(const model::TableName& table) {
  committed_ = true;
  {
    const std::lock_guard lock(mu_);
    names_->AddTable(table);
  }
  if (LogBytes(options_.path) < kLargeLogBytes) return;
  try {
    FoldLog(Connect());
  } catch (const base::Error& error) {
    // What was committed stands in the log. Beside other loads DuckDB does not fold it.
    if (error.code() == ErrorCode::kConflict) return;
    log_.Warning("DuckDB's log could not be folded into the file",
                 {{"file", Name()}, {"reason", error.info().message}});
  }
}

void DuckDbStore::FoldLog(columnar::Connection connection) {
  const std::lock_guard lock(fold_mu_);
  if (fold_failed_ || LogBytes(options_.path) == 0) return;
  const columnar::Task task{.operation = "fold the log in", .subject = Name()};
  const auto size = connection.Run(
      "SELECT block_size FROM pragma_database_size() WHERE database_name = current_database()", {},
      task);
  std::vector<std::int64_t> blocks;
  for (const auto& row :
       connection.Run("SELECT DISTINCT block_id FROM pragma_metadata_info()", {}, task).rows) {
    blocks.push_back(ToNumber(row[0]));
  }
  CheckpointUndo undo(options_.path, file_.fd(), blocks,
                      static_cast<std::uint64_t>(ToNumber(size.rows.at(0)[0])));
  try {
    connection.Run("CHECKPOINT", {}, task);
  } catch (const base::Error& error) {
    // DuckDB looks for other transactions before it writes anything.
    if (error.code() == ErrorCode::kConflict) {
      undo.Drop();
    } else {
      fold_failed_ = true;
    }
    throw;
  }
  undo.Drop();
}

// DuckDB keeps the blocks it wrote until the limit makes it drop them, which nobody reads again
// during a load. What a load needs are the row groups that are being filled, one for each thread,
// before they are compressed (tables of 12 columns and 220 bytes a row failed with 64 MB, of 120
// columns and 960 bytes with 128), and vectors: 2048 values of 64 KB are 128 MB at once.
void DuckDbStore::OnRowBytes(std::uint64_t row_bytes) {
  constexpr std::uint64_t kLargeRow = 1024;
  constexpr std::uint64_t kRowGroup = 122'880;
  if (row_bytes >= kLargeRow) return RaiseMemory();
  const std::uint64_t row_groups =
      row_bytes * kRowGroup * static_cast<std::uint64_t>(options_.threads);
  RaiseMemory(kFirstMemoryMb / 2 + static_cast<int>((row_groups * 3 / 2) >> 20U));
}

void DuckDbStore::OnMarks(std::uint64_t bytes) {
  RaiseMemory(kFirstMemoryMb + static_cast<int>(std::min<std::uint64_t>(bytes >> 20U, 1U << 20U)));
}

// For rows as above, and for merges of many rows, whose hash tables would be spilled sooner.
void DuckDbStore::RaiseMemory() { RaiseMemory(options_.memory_limit_mb); }

void DuckDbStore::OnWidth(const columnar::Width& width, const std::string& subject) {
  if (width.window_bytes <= columnar::kWideWindowBytes) return;
  const columnar::EngineShare share =
      columnar::ShareForRows({options_.memory_limit_mb, options_.threads}, width, subject);
  const std::lock_guard lock(mu_);
  wide_ = true;
  memory_max_mb_ = std::min(memory_max_mb_, share.memory_limit_mb);
  ShareLocked({memory_max_mb_, share.threads});
}

void DuckDbStore::BeginLook() {
  const std::lock_guard lock(mu_);
  ShareLocked({memory_max_mb_, 1});
}

// Unless rows are wide that came before.
void DuckDbStore::EndLook() {
  const std::lock_guard lock(mu_);
  if (memory_max_mb_ == options_.memory_limit_mb && !wide_) {
    ShareLocked({memory_max_mb_, options_.threads});
  }
}

void DuckDbStore::OnColumns(std::uint64_t columns, std::uint64_t rows, std::uint64_t row_bytes) {
  const columnar::EngineShare configured{options_.memory_limit_mb, options_.threads};
  const columnar::EngineShare share =
      columnar::ShareForColumns(configured, columns, rows, row_bytes);
  if (share == configured) return;
  const std::lock_guard lock(mu_);
  ShareLocked(share);
}

// REQUIRES: mu_.
void DuckDbStore::ShareLocked(const columnar::EngineShare& share) {
  if (frugal_ && share.memory_limit_mb == memory_mb_ && share.threads == threads_) return;
  frugal_ = true;
  threads_ = share.threads;
  memory_mb_ = share.memory_limit_mb;
  database_->Share(share.memory_limit_mb, share.threads);
}

void DuckDbStore::RaiseMemory(int mb) {
  const std::lock_guard lock(mu_);
  mb = std::min(mb, memory_max_mb_);
  if (mb <= memory_mb_) return;
  memory_mb_ = mb;
  ConnectLocked().Run(fmt::format("SET GLOBAL memory_limit = '{}MB'", mb), {},
                      {.operation = "raise the memory limit", .subject = Name()});
}

// REQUIRES: mu_. The schemas and the state table that loads needed before they could begin.
void DuckDbStore::DropWhatWeMade() {
  columnar::Connection connection = database_->Connect();
  const auto drop_if = [&](const std::string& condition, const std::string& statement) {
    const columnar::Task task{.operation = "tidy up", .subject = Name()};
    if (connection.Run(condition, {}, task).rows.empty()) connection.Run(statement, {}, task);
  };
  if (state_made_) {
    drop_if("SELECT true FROM _sluice.state LIMIT 1", "DROP SCHEMA _sluice CASCADE");
  }
  for (const std::string& schema : schemas_made_) {
    drop_if(fmt::format("SELECT true FROM information_schema.tables WHERE table_catalog = "
                        "current_database() AND table_schema = {} LIMIT 1",
                        columnar::QuoteText(schema)),
            "DROP SCHEMA " + columnar::QuoteName(catalog_) + "." + columnar::QuoteName(schema));
  }
}

void DuckDbStore::Close() {
  const std::lock_guard lock(mu_);
  if (!database_) return;
  bool remove_file = false;
  try {
    // Made by us, now or in a run that died before it committed anything. Asked only where it
    // matters: each look into DuckDB's catalog takes some 10 ms.
    if (!committed_ && maybe_ours_) {
      columnar::Connection connection = database_->Connect();
      remove_file = HoldsNothing(connection, state_columns_, Name());
    }
    if (!remove_file) {
      DropWhatWeMade();
      FoldLog(database_->Connect());
    }
  } catch (const base::Error& error) {
    // What was committed stands in the log beside the file, which DuckDB reads when it opens it.
    log_.Warning("the DuckDB file was closed without folding its log in",
                 {{"file", Name()}, {"reason", error.info().message}});
  }
  database_.reset();
  file_.Close();
  work_.Remove();
  std::error_code ignored;
  for (const fs::path& folder : folders_made_) fs::remove(folder, ignored);  // if it is empty
  if (remove_file) {
    fs::remove(options_.path, ignored);
    fs::remove(WalOf(options_.path), ignored);
  }
  held_.Release();
}

}  // namespace sluice::destinations::duckdb
