#include "destinations/duckdb/duckdb_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "destinations/duckdb/duckdb_dialect.h"

namespace sluice::destinations::duckdb {
namespace {

using sql::MergeAction;
using sql::Number;

// Temporary tables belong to one connection, and so to one load.
constexpr std::string_view kActions = "temp.main._sluice_actions";

}  // namespace

std::string DuckDbMergeText::StageName() { return "temp.main._sluice_rows"; }

std::string DuckDbMergeText::KeysName() { return "temp.main._sluice_keys"; }

std::string DuckDbMergeText::MakeStage(const std::string& name,
                                       const std::vector<model::Column>& columns) {
  return fmt::format("CREATE TEMP TABLE {} ({})", name, StageColumns(TheDialect(), columns));
}

DuckDbMergeText::DuckDbMergeText(const model::StreamTarget& target, std::string table,
                                 std::string rows, std::vector<std::optional<std::string>> lands_in)
    : MergeText(TheDialect(), target,
                {.table = std::move(table),
                 .rows = std::move(rows),
                 .keys = KeysName(),
                 .actions = std::string(kActions),
                 .lands_in = std::move(lands_in)}) {}

bool DuckDbMergeText::CursorTells() const { return cursor() && columns()[*cursor()].there; }

std::string DuckDbMergeText::ClassifyByCursor() const {
  // True of every row; but because there is a condition at all, DuckDB gives the scan of t a Bloom
  // filter of the keys, if the key is one column: a third less time.
  return ClassifyAs(
      fmt::format("(SELECT *, rowid AS r FROM {} WHERE rowid >= 0) AS s", place().rows), "s.r",
      DiffersIn(columns()[*cursor()]), MergeAction::kUndecided);
}

std::string DuckDbMergeText::Decide() const {
  return fmt::format(
      "UPDATE {} AS x SET a = CASE WHEN {} THEN {} ELSE {} END FROM {} AS s, {} AS t WHERE x.a = "
      "{} AND s.rowid = x.s AND t.rowid = x.t",
      kActions, Differs(), Number(MergeAction::kUpdate), Number(MergeAction::kUnchanged),
      place().rows, place().table, Number(MergeAction::kUndecided));
}

std::string DuckDbMergeText::DeleteAbsent(bool keys) const {
  std::string sql = fmt::format("{}rowid NOT IN (SELECT t FROM {} WHERE t IS NOT NULL)",
                                RemoveWhere(""), kActions);
  if (!keys) return sql;
  return sql + fmt::format(" AND rowid IN (SELECT t.rowid FROM {} AS t ANTI JOIN {} AS k ON {})",
                           place().table, place().keys, SameAsScanned());
}

std::string DuckDbMergeText::DeleteOld() const {
  return fmt::format("DELETE FROM {} WHERE rowid IN (SELECT t FROM {} WHERE a IN ({}, {}))",
                     place().table, kActions, Number(MergeAction::kDelete),
                     Number(MergeAction::kUpdate));
}

std::string DuckDbMergeText::InsertNew() const {
  return fmt::format("{} WHERE s.rowid IN (SELECT x.s FROM {} AS x WHERE x.a IN ({}, {}))",
                     InsertAll(), kActions, Number(MergeAction::kInsert),
                     Number(MergeAction::kUpdate));
}

DuckDbMerge::DuckDbMerge(sql::Runner& runner, const DuckDbMergeText& text,
                         const sql::MergeInput& input,
                         std::function<void(std::uint64_t bytes)> allow_memory)
    : Merge(runner, text, input), text_(text), allow_memory_(std::move(allow_memory)) {}

// Rows that were deleted count until DuckDB drops them.
std::uint64_t DuckDbMerge::RowsAboutThere() {
  if (!about_there_) {
    // One row even if there is no such table.
    about_there_ = Numbers(sql::Statement{
        "SELECT CAST(max(estimated_size) AS UBIGINT) FROM duckdb_tables() WHERE database_name = "
        "current_database() AND schema_name = $1 AND table_name = $2",
        {input().target.table.schema, input().target.table.table}})[0];
  }
  return *about_there_;
}

bool DuckDbMerge::AreFew() {
  constexpr std::uint64_t kManyMore = 8;
  return text_.CursorTells() && input().rows < RowsAboutThere() / kManyMore;
}

std::vector<std::uint64_t> DuckDbMerge::Classify() {
  few_ = AreFew();
  runner().Change(few_ ? text_.ClassifyByCursor() : text_.Classify());
  std::vector<std::uint64_t> actions = Numbers(text_.CountActions());
  if (actions[static_cast<std::size_t>(MergeAction::kUndecided)] == 0) return actions;
  runner().Change(text_.Decide());
  return Numbers(text_.CountActions());
}

// DuckDB keeps the marks of deleted rows in memory until the commit, 16 KB for each vector of 2,048
// rows that has one: 10,000 rows anywhere among 10 M took 85 MB (measured).
void DuckDbMerge::BeforeDeletes(std::uint64_t rows) {
  constexpr std::uint64_t kVectorRows = 2048;
  constexpr std::uint64_t kMarkBytes = 16 * 1024;
  // An ended version has two columns changed, whose values before and after are kept as well.
  constexpr std::uint64_t kEndBytes = 64 * 1024;
  const std::uint64_t vectors = std::min(rows, RowsAboutThere() / kVectorRows + 1);
  if (allow_memory_) allow_memory_(vectors * (text_.KeepsHistory() ? kEndBytes : kMarkBytes));
}

bool DuckDbMerge::Write(const ToWrite& rows) {
  const std::uint64_t old = rows.updated + rows.flagged;
  const std::uint64_t fresh = rows.updated + rows.inserted;
  const std::uint64_t deleted = old == 0 ? 0 : runner().Change(text_.DeleteOld());
  const std::uint64_t inserted = fresh == 0 ? 0 : runner().Change(text_.InsertNew());
  return deleted == old && inserted == fresh;
}

}  // namespace sluice::destinations::duckdb
