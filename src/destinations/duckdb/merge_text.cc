#include "destinations/duckdb/merge_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "columnar/column_type.h"
#include "columnar/sql_text.h"

namespace sluice::destinations {
namespace {

// Temporary tables belong to one connection, and so to one load.
constexpr std::string_view kActions = "temp.main._sluice_actions";

std::size_t IndexOf(const model::StreamTarget& target, const std::string& name) {
  const auto found = std::find_if(target.columns.begin(), target.columns.end(),
                                  [&](const model::Column& c) { return c.name == name; });
  return static_cast<std::size_t>(found - target.columns.begin());
}

std::string StagedName(std::size_t i) { return fmt::format("c{}", i); }

bool IsFloat(model::TypeKind kind) {
  return kind == model::TypeKind::kFloat32 || kind == model::TypeKind::kFloat64;
}

std::string DiffersIn(const MergeText::Column& column) {
  const std::string mine = "s." + column.staged;
  const std::string theirs = "t." + *column.there;
  std::string text = fmt::format("{} IS DISTINCT FROM {}", mine, theirs);
  if (IsFloat(column.kind)) {
    text += fmt::format(" OR coalesce(signbit({}) <> signbit({}), false)", mine, theirs);
  }
  return text;
}

int Number(MergeAction action) { return static_cast<int>(action); }

}  // namespace

std::string MergeText::StageName() { return "temp.main._sluice_rows"; }

std::string MergeText::KeysName() { return "temp.main._sluice_keys"; }

std::string MergeText::MakeStage(const std::string& name,
                                 const std::vector<model::Column>& columns) {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    list.push_back(StagedName(i) + " " + columnar::EngineType(columns[i]));
  }
  return fmt::format("CREATE TEMP TABLE {} ({})", name, fmt::join(list, ", "));
}

MergeText::MergeText(const model::StreamTarget& target, std::string table, std::string rows,
                     const std::vector<std::optional<std::string>>& lands_in)
    : table_(std::move(table)), rows_(std::move(rows)), keep_flagged_(target.deletes.keep_flagged) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    Column column{
        .staged = StagedName(i), .there = std::nullopt, .kind = target.columns[i].type.kind};
    if (lands_in[i]) column.there = columnar::QuoteName(*lands_in[i]);
    if (rows_ == table_) column.staged = columnar::QuoteName(target.columns[i].name);
    columns_.push_back(std::move(column));
  }
  for (const std::string& name : target.primary_key) key_.push_back(IndexOf(target, name));
  if (target.cursor) cursor_ = IndexOf(target, *target.cursor);
  if (target.deletes.column) deleted_ = IndexOf(target, *target.deletes.column);
}

std::string MergeText::KeyList(const std::string& prefix) const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) list.push_back(prefix + columns_[i].staged);
  return fmt::format("{}", fmt::join(list, ", "));
}

// Of s, "true" or "false", never NULL.
std::string MergeText::Flagged(const std::string& prefix) const {
  if (!deleted_) return "false";
  const Column& column = columns_[*deleted_];
  return column.kind == model::TypeKind::kBool
             ? fmt::format("coalesce({}{}, false)", prefix, column.staged)
             : fmt::format("({}{} IS NOT NULL)", prefix, column.staged);
}

// Between s and t. NaN equals itself to DuckDB, and -0.0 equals 0.0: the sign tells those apart.
// DuckDB may store the one as the other (its Constant and RLE segments do); then such a row counts
// as updated when it comes again, which is better than a change that is missed.
std::string MergeText::Differs() const {
  std::vector<std::string> list;
  for (const Column& column : columns_) {
    if (column.there) list.push_back(DiffersIn(column));
  }
  return fmt::format("({})", fmt::join(list, " OR "));
}

std::string MergeText::SameKey(const std::string& left, const std::string& right,
                               bool right_is_keys) const {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    const Column& column = columns_[key_[i]];
    list.push_back(fmt::format("{}.{} = {}.{}", left, right_is_keys ? *column.there : column.staged,
                               right, right_is_keys ? StagedName(i) : *column.there));
  }
  return fmt::format("{}", fmt::join(list, " AND "));
}

std::string MergeText::NullsInKeys() const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) {
    list.push_back(fmt::format("CAST(count_if({} IS NULL) AS UBIGINT)", columns_[i].staged));
  }
  return fmt::format("SELECT {} FROM {}", fmt::join(list, ", "), rows_);
}

std::string MergeText::NullsInScannedKeys() const {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    list.push_back(fmt::format("CAST(count_if({} IS NULL) AS UBIGINT)", StagedName(i)));
  }
  return fmt::format("SELECT {} FROM {}", fmt::join(list, ", "), KeysName());
}

std::string MergeText::DuplicateKeys() const {
  return fmt::format(
      "SELECT CAST(count(*) AS UBIGINT), CAST(coalesce(sum(n), 0) AS UBIGINT) FROM "
      "(SELECT count(*) AS n FROM {} GROUP BY {} HAVING count(*) > 1)",
      rows_, KeyList(""));
}

std::string MergeText::DropDuplicates() const {
  std::vector<std::string> order;
  const auto greatest = [&](const Column& column) {
    const std::string name = "s." + column.staged;
    order.push_back(name + " DESC NULLS LAST");
    if (IsFloat(column.kind)) order.push_back(fmt::format("signbit({}) NULLS LAST", name));
  };
  if (cursor_) greatest(columns_[*cursor_]);
  if (deleted_) order.push_back(Flagged("s.") + " DESC");
  for (const Column& column : columns_) greatest(column);
  std::vector<std::string> keys;
  std::vector<std::string> same;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    keys.push_back(fmt::format("{} AS k{}", columns_[key_[i]].staged, i));
    same.push_back(fmt::format("s.{} = d.k{}", columns_[key_[i]].staged, i));
  }
  // Only rows whose key comes again are sorted.
  return fmt::format(
      "DELETE FROM {0} WHERE rowid IN (SELECT r FROM (SELECT s.rowid AS r, row_number() OVER "
      "(PARTITION BY {1} ORDER BY {2}) AS n FROM {0} AS s SEMI JOIN (SELECT {3} FROM {0} GROUP BY "
      "{4} HAVING count(*) > 1) AS d ON {5}) WHERE n > 1)",
      rows_, KeyList("s."), fmt::join(order, ", "), fmt::join(keys, ", "), KeyList(""),
      fmt::join(same, " AND "));
}

bool MergeText::DropsFlagged() const { return deleted_ && !keep_flagged_; }

std::string MergeText::DropFlagged() const {
  return fmt::format("DELETE FROM {} WHERE {}", rows_, Flagged(""));
}

std::string MergeText::ClassifyAs(const std::string& rows, const std::string& differs,
                                  MergeAction same) const {
  return fmt::format(
      "CREATE OR REPLACE TEMP TABLE {} AS SELECT s.r AS s, t.rowid AS t, CAST(CASE "
      "WHEN {} THEN CASE WHEN t.rowid IS NULL THEN {} ELSE {} END "
      "WHEN t.rowid IS NULL THEN {} WHEN {} THEN {} ELSE {} END AS TINYINT) AS a "
      "FROM ({}) AS s LEFT JOIN {} AS t ON {}",
      kActions, DropsFlagged() ? Flagged("s.") : "false", Number(MergeAction::kSkip),
      Number(MergeAction::kDelete), Number(MergeAction::kInsert), differs,
      Number(MergeAction::kUpdate), Number(same), rows, table_, SameKey("s", "t", false));
}

std::string MergeText::Classify() const {
  return ClassifyAs(fmt::format("SELECT *, rowid AS r FROM {}", rows_), Differs(),
                    MergeAction::kUnchanged);
}

bool MergeText::CursorTells() const { return cursor_ && columns_[*cursor_].there; }

std::string MergeText::ClassifyByCursor() const {
  // True of every row; but because there is a condition at all, DuckDB gives the scan of t a Bloom
  // filter of the keys, if the key is one column: a third less time.
  return ClassifyAs(fmt::format("SELECT *, rowid AS r FROM {} WHERE rowid >= 0", rows_),
                    DiffersIn(columns_[*cursor_]), MergeAction::kUndecided);
}

std::string MergeText::Decide() const {
  return fmt::format(
      "UPDATE {} AS x SET a = CASE WHEN {} THEN {} ELSE {} END FROM {} AS s, {} AS t WHERE x.a = "
      "{} AND s.rowid = x.s AND t.rowid = x.t",
      kActions, Differs(), Number(MergeAction::kUpdate), Number(MergeAction::kUnchanged), rows_,
      table_, Number(MergeAction::kUndecided));
}

std::string MergeText::CountActions() const {
  std::vector<std::string> list;
  for (int action = 0; action <= Number(MergeAction::kUndecided); ++action) {
    list.push_back(fmt::format("CAST(count_if(a = {}) AS UBIGINT)", action));
  }
  return fmt::format("SELECT {}, CAST(count(t) AS UBIGINT) FROM {}", fmt::join(list, ", "),
                     kActions);
}

std::string MergeText::RepeatedThere() const {
  return fmt::format(
      "SELECT CAST(count(*) AS UBIGINT) FROM (SELECT s FROM {} GROUP BY s HAVING count(*) > 1)",
      kActions);
}

std::string MergeText::DeleteAbsent(bool keys) const {
  std::string sql = fmt::format(
      "DELETE FROM {} WHERE rowid NOT IN (SELECT t FROM {} WHERE t IS NOT NULL)", table_, kActions);
  if (keys) {
    sql += fmt::format(" AND rowid IN (SELECT t.rowid FROM {} AS t ANTI JOIN {} AS k ON {})",
                       table_, KeysName(), SameKey("t", "k", true));
  }
  return sql;
}

std::string MergeText::DeleteOld() const {
  return fmt::format("DELETE FROM {} WHERE rowid IN (SELECT t FROM {} WHERE a IN ({}, {}))", table_,
                     kActions, Number(MergeAction::kDelete), Number(MergeAction::kUpdate));
}

std::string MergeText::InsertNew() const {
  std::vector<std::string> to;
  std::vector<std::string> from;
  for (const Column& column : columns_) {
    if (!column.there) continue;
    to.push_back(*column.there);
    from.push_back(column.staged);
  }
  return fmt::format(
      "INSERT INTO {} ({}) SELECT {} FROM {} WHERE rowid IN (SELECT s FROM {} WHERE a IN ({}, {}))",
      table_, fmt::join(to, ", "), fmt::join(from, ", "), rows_, kActions,
      Number(MergeAction::kInsert), Number(MergeAction::kUpdate));
}

}  // namespace sluice::destinations
