// The DuckDB destination and its loads; OpenDuckDb (duckdb_destination.h) makes it.
#pragma once
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "columnar/database.h"
#include "columnar/engine_share.h"
#include "destinations/duckdb/duckdb_destination.h"
#include "destinations/duckdb/file_catalog.h"
#include "destinations/duckdb/held_file.h"
#include "destinations/guarded_load/claims.h"
#include "destinations/sql/state_table.h"
#include "destinations/work_folder.h"

namespace sluice::destinations::duckdb {

class DuckDbStore final : public Destination {
 public:
  DuckDbStore(DuckDbOptions options, const base::Clock& clock, base::Logger& log);
  DuckDbStore(const DuckDbStore&) = delete;
  DuckDbStore& operator=(const DuckDbStore&) = delete;
  ~DuckDbStore() override;

  Capabilities Describe() const override;
  std::string Name() const override;
  std::optional<Committed> ReadCommitted(std::string_view stream, const base::Call& call) override;
  void Forget(std::string_view stream, const base::Call& call) override;
  std::unique_ptr<Load> Begin(const model::StreamTarget& target, const base::Call& call) override;
  model::Landing Examine(const model::StreamTarget& target, const base::Call& call) override;
  void Probe(const base::Call& call) override;
  void Close() override;

  // A connection to the open file: in this process it sees what a reader sees.
  columnar::Connection Connect();

 private:
  friend class DuckDbLoad;

  void Open();
  columnar::Connection ConnectLocked();
  void MakeWorkFolderLocked();
  void MakeSchemaLocked(columnar::Connection& connection, const std::string& schema);
  void DropWhatWeMade();
  sql::StateColumns KnownStateColumns();
  void OnCommitted(const model::TableName& table);
  // Folds DuckDB's log into the file, if there is one. Throws as DuckDB and CheckpointUndo do.
  void FoldLog(columnar::Connection connection);
  // DuckDB gets what rows of about this size need, from now on.
  void OnRowBytes(std::uint64_t row_bytes);
  // The same of rows of long values, and of tables of many columns. Throws as ShareForRows.
  void OnWidth(const columnar::Width& width, const std::string& subject);
  // Around a look at rows that may be wide.
  void BeginLook();
  void EndLook();
  void OnColumns(std::uint64_t columns, std::uint64_t rows, std::uint64_t row_bytes);
  void ShareLocked(const columnar::EngineShare& share);
  void OnMarks(std::uint64_t bytes);  // of rows that are about to be deleted
  void RaiseMemory();                 // to the whole limit
  void RaiseMemory(int mb);

  const DuckDbOptions options_;
  HeldFile held_;  // before anything opens the file, until nothing of it is open
  const base::Clock& clock_;
  base::Logger& log_;
  guarded_load::Claims claims_;
  WorkFolder work_;      // DuckDB spills into it; made, under mu_, before the first load
  std::string catalog_;  // DuckDB's name of the open file; set once, by Open
  std::atomic<bool> committed_ = false;
  std::mutex wide_mu_;        // held by a load of wide rows while they move: one at a time
  std::mutex fold_mu_;        // one checkpoint at a time; guards fold_failed_
  bool fold_failed_ = false;  // what the file is now, only RepairAfterCrash may decide

  std::mutex mu_;  // guards all below; held while schemas are made, so that no two loads make one
  int memory_mb_;  // DuckDB's limit now
  int memory_max_mb_;    // the most it may be raised to
  int threads_;          // DuckDB's now
  bool frugal_ = false;  // ShareLocked was called
  bool wide_ = false;    // OnWidth met wide rows
  // The file, to read what a checkpoint may destroy. Closed after DuckDB: closing any descriptor of
  // a file drops the locks that its process has on it.
  class OpenFile {
   public:
    OpenFile() = default;
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() { Close(); }
    void Open(const std::filesystem::path& path);
    void Close();
    int fd() const { return fd_; }

   private:
    int fd_ = -1;
  };
  OpenFile file_;
  std::optional<columnar::Database> database_;
  bool maybe_ours_ = false;  // it had a state table when it was opened, or was made just then
  // Read once: nobody else can change it while we hold the file, and DuckDB's catalog is slow to
  // ask.
  sql::StateColumns state_columns_;
  bool state_made_ = false;
  std::optional<FileCatalog> names_;  // read by the first Begin
  std::set<std::string> schemas_made_;
  std::vector<std::filesystem::path> folders_made_;  // for spilling; innermost first
};

}  // namespace sluice::destinations::duckdb
