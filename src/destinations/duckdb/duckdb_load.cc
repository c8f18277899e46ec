#include "destinations/duckdb/duckdb_load.h"

#include <fmt/format.h>

#include <algorithm>

#include "columnar/part_select.h"
#include "columnar/sql_text.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "destinations/duckdb/duckdb_merge.h"
#include "destinations/duckdb/duckdb_runner.h"
#include "destinations/duckdb/target_table.h"
#include "destinations/sql/state_table.h"

namespace sluice::destinations::duckdb {
namespace {

using base::ErrorCode;

columnar::Task TaskOn(std::string_view operation, const model::StreamTarget& target) {
  return {.operation = std::string(operation), .subject = "table " + target.table.ToString()};
}

SchemaPlan PlanOver(const model::StreamTarget& target, const ExistingTable& existing) {
  if (model::MeetsByKey(target.write_mode)) CheckRowNumbers(existing, target);
  return PlanSchema(target, existing, TheDialect());
}

}  // namespace

DuckDbLoad::DuckDbLoad(DuckDbStore& store, model::StreamTarget wanted, bool exists,
                       std::unique_ptr<guarded_load::Claims::Claim> claim,
                       columnar::Connection connection)
    : GuardedLoad(std::move(wanted), std::move(claim), store.clock_, store.log_),
      store_(store),
      connection_(std::move(connection)) {
  if (exists) {
    existing_ = ReadExisting(connection_, store_.catalog_, target().table);
    DuckDbRunner runner(connection_, {.operation = "read state", .subject = store_.Name()});
    existing_.last_columns =
        sql::ReadLastColumns(runner, TheDialect(), store_.KnownStateColumns(), target().stream);
  }
  Plan();  // before a row is read from anywhere
  stages_ = KeepsHistory() || (Merges() && plan_.table == SchemaPlan::Table::kKeep);
  if (stages_) return;
  BeginTransaction();
  try {
    if (!columnar::HasUnknownDecimals(target().columns)) MakeTableOnce();
  } catch (...) {
    Rollback();
    throw;
  }
}

DuckDbLoad::~DuckDbLoad() { Rollback(); }

void DuckDbLoad::BeginTransaction() {
  connection_.Run("BEGIN TRANSACTION", {}, TaskOn("begin load", target()));
  in_transaction_ = true;
}

void DuckDbLoad::Plan() { plan_ = PlanOver(target(), existing_); }

model::Landing DuckDbLoad::PlanFor(columnar::Connection& connection, const std::string& catalog,
                                   const model::StreamTarget& target, bool exists) {
  const ExistingTable existing =
      exists ? ReadExisting(connection, catalog, target.table) : ExistingTable();
  return LandingOf(target, existing, PlanOver(target, existing), TheDialect());
}

void DuckDbLoad::MakeTableOnce() {
  if (made_) return;
  Plan();
  ApplyPlan(connection_, store_.catalog_, target(), plan_);
  made_ = true;
}

void DuckDbLoad::StageOnce() {
  if (staged_) return;
  connection_.Run(DuckDbMergeText::MakeStage(DuckDbMergeText::StageName(), target().columns), {},
                  TaskOn("stage", target()));
  staged_ = true;
}

void DuckDbLoad::MakeKeysOnce(const std::vector<model::Column>& columns) {
  if (keys_made_) return;
  connection_.Run(DuckDbMergeText::MakeStage(DuckDbMergeText::KeysName(), columns), {},
                  TaskOn("stage", target()));
  keys_made_ = true;
}

// Footers are read, and failures explained, outside the load's transaction.
columnar::Connection DuckDbLoad::Decoder() { return store_.Connect(); }

std::string DuckDbLoad::InsertText(const std::vector<columnar::CheckedPart>& parts) const {
  const std::string select = columnar::PartSelect(parts, target().columns);
  if (stages_) return fmt::format("INSERT INTO {} {}", DuckDbMergeText::StageName(), select);
  std::string to;
  std::string from;
  for (std::size_t i = 0; i < target().columns.size(); ++i) {
    if (!plan_.lands_in[i]) continue;
    to += (to.empty() ? "" : ", ") + columnar::QuoteName(*plan_.lands_in[i]);
    from += (from.empty() ? "" : ", ") + columnar::QuoteName(target().columns[i].name);
  }
  const std::string table = QuotedTable(store_.catalog_, target().table);
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM ({})", table, to, from, select);
}

std::uint64_t DuckDbLoad::Insert(columnar::Connection& decoder,
                                 const std::vector<columnar::CheckedPart>& parts,
                                 const std::vector<model::Column>& columns, const std::string& sql,
                                 const base::Call& call) {
  Widen(decoder, parts, columns, call);
  const auto turn = Turn();
  try {
    return connection_.Run(sql, {}, TaskOn("load", target()), call.stop).rows_changed;
  } catch (const base::Error& error) {
    throw columnar::ExplainFailure(decoder, error, parts, columns, call.stop);
  }
}

void DuckDbLoad::Widen(columnar::Connection& decoder,
                       const std::vector<columnar::CheckedPart>& parts,
                       const std::vector<model::Column>& columns, const base::Call& call) {
  std::uint64_t row_bytes = 0;
  std::uint64_t all_rows = rows();
  for (const auto& part : parts) {
    if (part.footer.rows == 0) continue;
    all_rows += part.footer.rows;
    row_bytes = std::max(row_bytes, part.footer.plain_bytes / part.footer.rows);
  }
  store_.OnRowBytes(row_bytes);
  store_.OnColumns(columns.size(), all_rows, row_bytes);
  const bool look = columnar::WidthTally::MayBeWide(parts);
  if (look) store_.BeginLook();
  const columnar::Width& width = width_.Add(decoder, parts, columns, call.stop);
  if (look && width.window_bytes <= columnar::kWideWindowBytes) store_.EndLook();
  store_.OnWidth(width, TaskOn("load", target()).subject);
}

std::unique_lock<std::mutex> DuckDbLoad::Turn() {
  if (width_.width().window_bytes <= columnar::kWideWindowBytes) return {};
  return std::unique_lock(store_.wide_mu_);
}

std::uint64_t DuckDbLoad::Take(columnar::Connection& decoder,
                               const std::vector<columnar::CheckedPart>& parts,
                               const base::Call& call) {
  if (stages_) {
    StageOnce();
  } else {
    MakeTableOnce();
  }
  return Insert(decoder, parts, target().columns, InsertText(parts), call);
}

std::uint64_t DuckDbLoad::TakeKeys(columnar::Connection& decoder,
                                   const std::vector<columnar::CheckedPart>& parts,
                                   const std::vector<model::Column>& columns,
                                   const base::Call& call) {
  MakeKeysOnce(columns);
  return Insert(decoder, parts, columns,
                fmt::format("INSERT INTO {} {}", DuckDbMergeText::KeysName(),
                            columnar::PartSelect(parts, columns)),
                call);
}

void DuckDbLoad::BeginCommit(const base::Call&) {
  if (!in_transaction_) BeginTransaction();
}

std::optional<Committed> DuckDbLoad::LastCommit(const base::Call& call) {
  DuckDbRunner runner(connection_, {.operation = "read state", .subject = store_.Name()},
                      call.stop);
  return sql::ReadState(runner, TheDialect(), store_.KnownStateColumns(), target().stream);
}

void DuckDbLoad::Seal(const Committed& row, const model::Proof& proof, const base::Call& call) {
  DuckDbRunner runner(connection_, {.operation = "write state", .subject = store_.Name()},
                      call.stop);
  sql::WriteState(runner, TheDialect(), target(), row, proof, clock().Utc());
  CommitTransaction();
  turn_ = {};
}

model::Counts DuckDbLoad::Bring(const base::Call& call) {
  turn_ = Turn();
  MakeTableOnce();
  if (!Merges()) return {.inserted = rows()};
  if (stages_) StageOnce();
  if (compares_keys()) MakeKeysOnce(KeyColumns());
  constexpr std::uint64_t kManyRows = 200'000;  // 10 MB of hash table
  if (rows() > kManyRows || compares_keys()) store_.RaiseMemory();
  const std::string table = QuotedTable(store_.catalog_, target().table);
  const DuckDbMergeText text(target(), table, stages_ ? DuckDbMergeText::StageName() : table,
                             plan_.lands_in);
  DuckDbRunner runner(connection_, TaskOn("merge", target()), call.stop);
  const sql::MergeInput input{
      .target = target(), .rows = rows(), .into_empty = !stages_, .keys = compares_keys()};
  return DuckDbMerge(runner, text, input, [this](std::uint64_t bytes) { store_.OnMarks(bytes); })
      .Run();
}

void DuckDbLoad::CommitTransaction() {
  try {
    // Not to be stopped half way: from here it is done or it is not.
    connection_.Run("COMMIT", {}, TaskOn("commit", target()));
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    // A conflict is found before anything is written; a failing disk may fail after the write.
    info.in_doubt = info.code != ErrorCode::kConflict;
    info.retryable = info.retryable && !info.in_doubt;
    throw base::Error(info);
  }
  in_transaction_ = false;
  store_.OnCommitted(target().table);
}

void DuckDbLoad::Rollback() noexcept {
  if (!in_transaction_) return;
  in_transaction_ = false;
  try {
    connection_.Run("ROLLBACK", {}, TaskOn("undo", target()));
  } catch (const std::exception&) {
    // DuckDB has rolled back by itself, or gave up on the file: then nothing of it was committed.
  }
}

}  // namespace sluice::destinations::duckdb
