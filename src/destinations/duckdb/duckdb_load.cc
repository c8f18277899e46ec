#include "destinations/duckdb/duckdb_load.h"

#include <fmt/format.h>

#include <algorithm>

#include "columnar/part_select.h"
#include "columnar/sql_text.h"
#include "destinations/commit_check.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "destinations/duckdb/duckdb_merge.h"
#include "destinations/duckdb/duckdb_runner.h"
#include "destinations/duckdb/target_table.h"
#include "destinations/sql/state_table.h"

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

SchemaPlan PlanOver(const model::StreamTarget& target, const ExistingTable& existing) {
  if (target.write_mode == model::WriteMode::kMerge) CheckRowNumbers(existing, target);
  return PlanSchema(target, existing, TheDialect());
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

DuckDbLoad::DuckDbLoad(DuckDbStore& store, model::StreamTarget target, bool exists,
                       std::unique_ptr<DuckDbStore::Claim> claim, columnar::Connection connection)
    : store_(store),
      target_(std::move(target)),
      claim_(std::move(claim)),
      connection_(std::move(connection)) {
  if (exists) {
    existing_ = ReadExisting(connection_, store_.catalog_, target_.table);
    DuckDbRunner runner(connection_, {.operation = "read state", .subject = store_.Name()});
    existing_.last_columns =
        sql::ReadLastColumns(runner, TheDialect(), store_.KnownStateColumns(), target_.stream);
  }
  Plan();  // before a row is read from anywhere
  stages_ = Merges() && plan_.table == SchemaPlan::Table::kKeep;
  if (stages_) return;
  BeginTransaction();
  try {
    if (!columnar::HasUnknownDecimals(target_.columns)) MakeTableOnce();
  } catch (...) {
    Rollback();
    throw;
  }
}

DuckDbLoad::~DuckDbLoad() { Rollback(); }

void DuckDbLoad::BeginTransaction() {
  connection_.Run("BEGIN TRANSACTION", {}, TaskOn("begin load", target_));
  in_transaction_ = true;
}

void DuckDbLoad::Plan() { plan_ = PlanOver(target_, existing_); }

void DuckDbLoad::PlanFor(columnar::Connection& connection, const std::string& catalog,
                         const model::StreamTarget& target, bool exists) {
  PlanOver(target, exists ? ReadExisting(connection, catalog, target.table) : ExistingTable());
}

void DuckDbLoad::MakeTableOnce() {
  if (made_) return;
  Plan();
  ApplyPlan(connection_, store_.catalog_, target_, plan_);
  made_ = true;
}

void DuckDbLoad::StageOnce() {
  if (staged_) return;
  connection_.Run(DuckDbMergeText::MakeStage(DuckDbMergeText::StageName(), target_.columns), {},
                  TaskOn("stage", target_));
  staged_ = true;
}

std::vector<model::Column> DuckDbLoad::KeyColumns() const {
  std::vector<model::Column> out;
  for (const std::string& name : target_.primary_key) {
    out.push_back(*std::find_if(target_.columns.begin(), target_.columns.end(),
                                [&](const model::Column& c) { return c.name == name; }));
  }
  return out;
}

void DuckDbLoad::CheckOpen(const base::Call& call) const {
  if (over_) throw LoadIsOver(target_);
  if (!call.deadline.Expired(store_.clock_)) return;
  throw base::Error({.code = ErrorCode::kTimeout,
                     .operation = "load",
                     .subject = "table " + target_.table.ToString(),
                     .message = "the time given for it has passed"});
}

std::string DuckDbLoad::InsertText(const std::vector<columnar::CheckedPart>& parts) const {
  const std::string select = columnar::PartSelect(parts, target_.columns);
  if (stages_) return fmt::format("INSERT INTO {} {}", DuckDbMergeText::StageName(), select);
  std::string to;
  std::string from;
  for (std::size_t i = 0; i < target_.columns.size(); ++i) {
    if (!plan_.lands_in[i]) continue;
    to += (to.empty() ? "" : ", ") + columnar::QuoteName(*plan_.lands_in[i]);
    from += (from.empty() ? "" : ", ") + columnar::QuoteName(target_.columns[i].name);
  }
  const std::string table = QuotedTable(store_.catalog_, target_.table);
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM ({})", table, to, from, select);
}

LoadedRows DuckDbLoad::Insert(columnar::Connection& side,
                              const std::vector<columnar::CheckedPart>& parts,
                              const std::vector<model::Column>& columns, const std::string& sql,
                              const base::Call& call) {
  LoadedRows rows;
  for (const auto& part : parts) rows.footer_rows += part.footer.rows;
  Widen(side, parts, columns, call);
  const auto turn = Turn();
  try {
    rows.loaded_rows = connection_.Run(sql, {}, TaskOn("load", target_), call.stop).rows_changed;
  } catch (const base::Error& error) {
    throw columnar::ExplainFailure(side, error, parts, columns, call.stop);
  }
  return rows;
}

void DuckDbLoad::Widen(columnar::Connection& side, const std::vector<columnar::CheckedPart>& parts,
                       const std::vector<model::Column>& columns, const base::Call& call) {
  std::uint64_t row_bytes = 0;
  std::uint64_t rows = rows_;
  for (const auto& part : parts) {
    if (part.footer.rows == 0) continue;
    rows += part.footer.rows;
    row_bytes = std::max(row_bytes, part.footer.plain_bytes / part.footer.rows);
  }
  store_.OnRowBytes(row_bytes);
  store_.OnColumns(columns.size(), rows, row_bytes);
  const bool look = columnar::WidthTally::MayBeWide(parts);
  if (look) store_.BeginLook();
  const columnar::Width& width = width_.Add(side, parts, columns, call.stop);
  if (look && width.window_bytes <= columnar::kWideWindowBytes) store_.EndLook();
  store_.OnWidth(width, TaskOn("load", target_).subject);
}

std::unique_lock<std::mutex> DuckDbLoad::Turn() {
  if (width_.width().window_bytes <= columnar::kWideWindowBytes) return {};
  return std::unique_lock(store_.wide_mu_);
}

LoadedRows DuckDbLoad::Add(std::span<const model::LocalPart> parts, const base::Call& call) {
  CheckOpen(call);
  if (parts.empty()) return {};
  over_ = true;  // until it is known that it did not fail
  // Footers are read, and failures explained, outside the load's transaction.
  columnar::Connection side = store_.Connect();
  if (columnar::HasUnknownDecimals(target_.columns)) {
    target_.columns = columnar::ResolveDecimals(
        columnar::ReadFooter(side, parts.front(), call.stop), target_.columns);
  }
  if (stages_) {
    StageOnce();
  } else {
    MakeTableOnce();
  }
  const auto checked = columnar::CheckParts(side, parts, target_.columns, call.stop);
  const LoadedRows rows = Insert(side, checked, target_.columns, InsertText(checked), call);
  rows_ += rows.loaded_rows;
  over_ = false;
  return rows;
}

LoadedRows DuckDbLoad::AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) {
  CheckOpen(call);
  if (!Merges()) throw LoadIsOver(target_);
  keys_ = true;  // even of none: then the source is empty
  if (parts.empty()) return {};
  over_ = true;
  columnar::Connection side = store_.Connect();
  const std::vector<model::Column> columns =
      columnar::ResolveDecimals(columnar::ReadFooter(side, parts.front(), call.stop), KeyColumns());
  if (!keys_made_) {
    connection_.Run(DuckDbMergeText::MakeStage(DuckDbMergeText::KeysName(), columns), {},
                    TaskOn("stage", target_));
    keys_made_ = true;
  }
  const auto checked = columnar::CheckParts(side, parts, columns, call.stop);
  const LoadedRows rows = Insert(side, checked, columns,
                                 fmt::format("INSERT INTO {} {}", DuckDbMergeText::KeysName(),
                                             columnar::PartSelect(checked, columns)),
                                 call);
  over_ = false;
  return rows;
}

model::Counts DuckDbLoad::Commit(const model::Watermark& watermark, const model::Proof& proof,
                                 const base::Call& call) {
  CheckOpen(call);
  over_ = true;
  if (!in_transaction_) BeginTransaction();
  const std::string subject = store_.Name();
  DuckDbRunner reader(connection_, {.operation = "read state", .subject = subject}, call.stop);
  const auto before =
      sql::ReadState(reader, TheDialect(), store_.KnownStateColumns(), target_.stream);
  if (before && before->watermark.run == watermark.run &&
      before->watermark.attempt == watermark.attempt) {
    // This attempt was committed already: its rows are there, and must not be there twice.
    Rollback();
    return before->counts;
  }
  RequireProof(target_, proof, rows_);
  const auto turn = Turn();
  Committed row{.watermark = watermark, .counts = Bring(call)};
  row.watermark.stream = target_.stream;
  DuckDbRunner writer(connection_, {.operation = "write state", .subject = subject}, call.stop);
  sql::WriteState(writer, TheDialect(), target_, row, proof, store_.clock_.Utc());
  CommitTransaction();
  LogNotes();
  return row.counts;
}

model::Counts DuckDbLoad::Bring(const base::Call& call) {
  MakeTableOnce();
  if (!Merges()) return {.inserted = rows_};
  if (stages_) StageOnce();
  if (keys_ && !keys_made_) {
    connection_.Run(DuckDbMergeText::MakeStage(DuckDbMergeText::KeysName(), KeyColumns()), {},
                    TaskOn("stage", target_));
  }
  constexpr std::uint64_t kManyRows = 200'000;  // 10 MB of hash table
  if (rows_ > kManyRows || keys_) store_.RaiseMemory();
  const std::string table = QuotedTable(store_.catalog_, target_.table);
  const DuckDbMergeText text(target_, table, stages_ ? DuckDbMergeText::StageName() : table,
                             plan_.lands_in);
  DuckDbRunner runner(connection_, TaskOn("merge", target_), call.stop);
  const sql::MergeInput input{
      .target = target_, .rows = rows_, .into_empty = !stages_, .keys = keys_};
  return DuckDbMerge(runner, text, input, [this](std::uint64_t bytes) { store_.OnMarks(bytes); })
      .Run();
}

void DuckDbLoad::LogNotes() const {
  for (const std::string& note : plan_.notes) {
    store_.log_.Warning("the columns are not those of the last sync",
                        {{"table", target_.table.ToString()}, {"change", note}});
  }
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
  in_transaction_ = false;
  store_.OnCommitted(target_.table);
}

void DuckDbLoad::Rollback() noexcept {
  if (!in_transaction_) return;
  in_transaction_ = false;
  try {
    connection_.Run("ROLLBACK", {}, TaskOn("undo", target_));
  } catch (const std::exception&) {
    // DuckDB has rolled back by itself, or gave up on the file: then nothing of it was committed.
  }
}

}  // namespace sluice::destinations
