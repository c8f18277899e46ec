#include "destinations/duckdb/duckdb_load.h"

#include <fmt/format.h>

#include "columnar/part_select.h"
#include "columnar/sql_text.h"
#include "destinations/duckdb/state_table.h"
#include "destinations/duckdb/target_table.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;

std::string TableKey(const model::TableName& table) {
  // A zero byte is in no name, so the two parts cannot run together.
  return "table " + columnar::FoldName(table.schema) + '\0' + columnar::FoldName(table.table);
}

columnar::Task TaskOn(std::string_view operation, const model::StreamTarget& target) {
  return {.operation = std::string(operation), .subject = "table " + target.table.ToString()};
}

base::Error LoadIsOver(const model::StreamTarget& target) {
  return base::Error({.code = ErrorCode::kInternal,
                      .operation = "load",
                      .subject = "table " + target.table.ToString(),
                      .message = "this load failed or was committed before"});
}

}  // namespace

DuckDbStore::Claim::Claim(DuckDbStore& store, const model::StreamTarget& target)
    : store_(store), stream_key_("stream " + target.stream), table_key_(TableKey(target.table)) {
  const std::string exact = target.table.ToString();
  if (const auto it = store_.claims_.find(table_key_);
      it != store_.claims_.end() && it->second != exact) {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "begin load",
                       .subject = "table " + exact,
                       .message = fmt::format(
                           "table {} is being loaded, which is the same to DuckDB", it->second),
                       .remedy = "Load one of the two into another schema, or rename it."});
  }
  if (store_.claims_.contains(stream_key_) || store_.claims_.contains(table_key_)) {
    throw base::Error({.code = ErrorCode::kConflict,
                       .operation = "begin load",
                       .subject = fmt::format("stream {} into table {}", target.stream, exact),
                       .message = "another load of that stream or table is open",
                       .remedy = "Give every stream a table of its own."});
  }
  store_.claims_[stream_key_] = exact;
  store_.claims_[table_key_] = exact;
}

DuckDbStore::Claim::~Claim() {
  const std::lock_guard lock(store_.mu_);
  store_.claims_.erase(stream_key_);
  store_.claims_.erase(table_key_);
}

DuckDbLoad::DuckDbLoad(DuckDbStore& store, model::StreamTarget target,
                       std::unique_ptr<DuckDbStore::Claim> claim, columnar::Connection connection)
    : store_(store),
      target_(std::move(target)),
      claim_(std::move(claim)),
      connection_(std::move(connection)) {
  connection_.Run("BEGIN TRANSACTION", {}, TaskOn("begin load", target_));
  open_ = true;
  try {
    if (!columnar::HasUnknownDecimals(target_.columns)) MakeTableOnce();
  } catch (...) {
    Rollback();
    throw;
  }
}

DuckDbLoad::~DuckDbLoad() { Rollback(); }

void DuckDbLoad::MakeTableOnce() {
  if (made_) return;
  MakeTable(connection_, target_);
  made_ = true;
}

LoadedRows DuckDbLoad::Add(std::span<const model::LocalPart> parts, const base::Call& call) {
  if (!open_ || failed_) throw LoadIsOver(target_);
  failed_ = true;  // until it is known that it did not
  if (call.deadline.Expired(store_.clock_)) {
    throw base::Error({.code = ErrorCode::kTimeout,
                       .operation = "load",
                       .subject = "table " + target_.table.ToString(),
                       .message = "the time given for it has passed"});
  }
  // Footers are read, and failures explained, outside the load's transaction.
  columnar::Connection side = store_.Connect();
  if (!made_ && !parts.empty()) {
    target_.columns = columnar::ResolveDecimals(
        columnar::ReadFooter(side, parts.front(), call.stop), target_.columns);
    MakeTableOnce();
  }
  const auto checked = columnar::CheckParts(side, parts, target_.columns, call.stop);
  LoadedRows rows;
  for (const auto& part : checked) {
    rows.footer_rows += part.footer.rows;
    if (part.footer.rows > 0) store_.OnRowBytes(part.footer.plain_bytes / part.footer.rows);
  }
  if (!checked.empty()) {
    try {
      rows.loaded_rows = connection_
                             .Run(fmt::format("INSERT INTO {} {}", QuotedTable(target_.table),
                                              columnar::PartSelect(checked, target_.columns)),
                                  {}, TaskOn("load", target_), call.stop)
                             .rows_changed;
    } catch (const base::Error& error) {
      throw columnar::ExplainFailure(side, error, checked, target_.columns, call.stop);
    }
  }
  rows_ += rows.loaded_rows;
  failed_ = false;
  return rows;
}

LoadedRows DuckDbLoad::AddKeys(std::span<const model::LocalPart>, const base::Call&) {
  throw LoadIsOver(target_);  // Begin refuses merge, and only merge compares keys
}

model::Counts DuckDbLoad::Commit(const model::Watermark& watermark, const model::Proof& proof,
                                 const base::Call& call) {
  if (!open_ || failed_) throw LoadIsOver(target_);
  failed_ = true;
  const std::string subject = store_.Name();
  const auto before = ReadState(connection_, target_.stream, subject, call.stop);
  if (before && before->watermark.run == watermark.run &&
      before->watermark.attempt == watermark.attempt) {
    // This attempt was committed already: its rows are there, and must not be there twice.
    Rollback();
    return before->counts;
  }
  CheckProof(proof);
  MakeTableOnce();
  Committed row{.watermark = watermark, .counts = {.inserted = rows_}};
  row.watermark.stream = target_.stream;
  WriteState(connection_, target_, row, proof, store_.clock_.Utc(), subject, call.stop);
  CommitTransaction();
  return row.counts;
}

void DuckDbLoad::CheckProof(const model::Proof& proof) const {
  if (proof.Agrees() && proof.loaded_rows == rows_) return;
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = "commit",
                     .subject = "table " + target_.table.ToString(),
                     .message = fmt::format(
                         "the counts disagree: manifest {}, footers {}, loaded {}, in the table "
                         "{}; bytes {} of {}",
                         proof.manifest_rows, proof.footer_rows, proof.loaded_rows, rows_,
                         proof.fetched_bytes, proof.manifest_bytes),
                     .remedy = "Run again; nothing was changed."});
}

void DuckDbLoad::CommitTransaction() {
  try {
    // Not to be stopped half way: from here it is done or it is not.
    connection_.Run("COMMIT", {}, TaskOn("commit", target_));
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    // A conflict is found before anything is written; a failing disk may fail after the write.
    info.in_doubt = info.code != ErrorCode::kConflict;
    info.retryable = info.retryable && !info.in_doubt;
    throw base::Error(info);
  }
  open_ = false;
  store_.OnCommitted();
}

void DuckDbLoad::Rollback() noexcept {
  if (!open_) return;
  open_ = false;
  try {
    connection_.Run("ROLLBACK", {}, TaskOn("undo", target_));
  } catch (const std::exception&) {
    // DuckDB has rolled back by itself, or gave up on the file: then nothing of it was committed.
  }
}

}  // namespace sluice::destinations
