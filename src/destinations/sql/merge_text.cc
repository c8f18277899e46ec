#include "destinations/sql/merge_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

#include "destinations/history_columns.h"

namespace sluice::destinations::sql {
namespace {

std::size_t IndexOf(const model::StreamTarget& target, const std::string& name) {
  const auto found = std::find_if(target.columns.begin(), target.columns.end(),
                                  [&](const model::Column& c) { return c.name == name; });
  return static_cast<std::size_t>(found - target.columns.begin());
}

std::string StagedName(std::size_t i) { return fmt::format("c{}", i); }

std::string TimestampText(base::UtcTime time) {
  const auto micros = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(micros);
  return fmt::format("TIMESTAMP '{:%Y-%m-%d %H:%M:%S}.{:06}'",
                     fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (micros - seconds).count());
}

bool IsMoment(model::TypeKind kind) {
  return kind == model::TypeKind::kDate || kind == model::TypeKind::kTimestamp ||
         kind == model::TypeKind::kTimestampTz;
}

}  // namespace

std::string MergeText::StageColumns(const Dialect& dialect,
                                    const std::vector<model::Column>& columns) {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    list.push_back(StagedName(i) + " " + dialect.TypeOf(columns[i]));
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

MergeText::MergeText(const Dialect& dialect, const model::StreamTarget& target, Place place)
    : dialect_(dialect),
      place_(std::move(place)),
      keep_flagged_(target.deletes.keep_flagged),
      history_(target.write_mode == model::WriteMode::kHistory),
      complete_(target.complete),
      as_of_(TimestampText(target.as_of.value_or(base::UtcTime()))) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    Column column{.staged = StagedName(i),
                  .there = std::nullopt,
                  .kind = target.columns[i].type.kind,
                  .stamp = target.columns[i].stamp};
    if (place_.lands_in[i]) column.there = dialect_.Quote(*place_.lands_in[i]);
    if (place_.rows == place_.table) column.staged = dialect_.Quote(target.columns[i].name);
    columns_.push_back(std::move(column));
  }
  if (!model::MeetsByKey(target.write_mode)) return;
  for (const std::string& name : target.primary_key) key_.push_back(IndexOf(target, name));
  if (target.cursor) cursor_ = IndexOf(target, *target.cursor);
  if (target.deletes.column) deleted_ = IndexOf(target, *target.deletes.column);
}

std::string MergeText::KeyList(const std::string& prefix) const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) list.push_back(prefix + columns_[i].staged);
  return fmt::format("{}", fmt::join(list, ", "));
}

// Of s, true or false, never NULL.
std::string MergeText::Flagged(const std::string& prefix) const {
  if (!deleted_) return "false";
  const Column& column = columns_[*deleted_];
  return column.kind == model::TypeKind::kBool
             ? fmt::format("coalesce({}{}, false)", prefix, column.staged)
             : fmt::format("({}{} IS NOT NULL)", prefix, column.staged);
}

std::string MergeText::DiffersIn(const Column& column) const {
  return dialect_.Differ("s." + column.staged, "t." + *column.there, column.kind);
}

std::string MergeText::Differs() const {
  std::vector<std::string> list;
  for (const Column& column : columns_) {
    if (column.there && !column.stamp) list.push_back(DiffersIn(column));
  }
  if (list.empty()) return "false";
  return fmt::format("({})", fmt::join(list, " OR "));
}

std::string MergeText::Mine(std::string_view column, const std::string& prefix) const {
  return prefix + dialect_.Quote(column);
}

std::string MergeText::SameKey() const {
  return KeyThere() + (history_ ? " AND " + Mine(kIsCurrent, "t.") : "");
}

std::string MergeText::KeyThere() const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) {
    list.push_back(fmt::format("s.{} = t.{}", columns_[i].staged, *columns_[i].there));
  }
  return fmt::format("{}", fmt::join(list, " AND "));
}

std::string MergeText::SameAsScanned() const {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    list.push_back(fmt::format("k.{} = t.{}", StagedName(i), *columns_[key_[i]].there));
  }
  return fmt::format("{}", fmt::join(list, " AND "));
}

std::string MergeText::CountNulls(const std::vector<std::string>& names,
                                  const std::string& table) const {
  std::vector<std::string> list;
  for (const std::string& name : names) {
    list.push_back(fmt::format("count(*) FILTER (WHERE {} IS NULL)", name));
  }
  return fmt::format("SELECT {} FROM {}", fmt::join(list, ", "), table);
}

std::string MergeText::NullsInKeys() const {
  std::vector<std::string> names;
  for (const std::size_t i : key_) names.push_back(columns_[i].staged);
  return CountNulls(names, place_.rows);
}

std::string MergeText::NullsInScannedKeys() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < key_.size(); ++i) names.push_back(StagedName(i));
  return CountNulls(names, place_.keys);
}

std::string MergeText::DuplicateKeys() const {
  return fmt::format(
      "SELECT count(*), CAST(coalesce(sum(n), 0) AS bigint) FROM (SELECT count(*) AS n FROM {} "
      "GROUP BY {} HAVING count(*) > 1) AS d",
      place_.rows, KeyList(""));
}

std::string MergeText::DropDuplicates() const {
  std::vector<std::string> order;
  const auto greatest = [&](const Column& column) {
    const auto terms = dialect_.GreatestFirst("s." + column.staged, column.kind);
    order.insert(order.end(), terms.begin(), terms.end());
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
      "DELETE FROM {0} WHERE {1} IN (SELECT r FROM (SELECT s.{1} AS r, row_number() OVER "
      "(PARTITION BY {2} ORDER BY {3}) AS n FROM {0} AS s JOIN (SELECT {4} FROM {0} GROUP BY {5} "
      "HAVING count(*) > 1) AS d ON {6}) AS numbered WHERE n > 1)",
      place_.rows, dialect_.RowId(), KeyList("s."), fmt::join(order, ", "), fmt::join(keys, ", "),
      KeyList(""), fmt::join(same, " AND "));
}

bool MergeText::DropsFlagged() const { return deleted_ && !keep_flagged_; }

std::string MergeText::DropFlagged() const {
  return fmt::format("DELETE FROM {} WHERE {}", place_.rows, Flagged(""));
}

// Of what an incomplete read brings: it says what changed, and this changed before what is there. A
// time that has not come yet hides no row.
std::string MergeText::Late() const {
  if (!history_ || complete_ || !cursor_ || !columns_[*cursor_].there) return {};
  const Column& cursor = columns_[*cursor_];
  const std::string there = "t." + *cursor.there;
  std::string late = dialect_.Before("s." + cursor.staged, there, cursor.kind);
  if (IsMoment(cursor.kind)) {
    late += fmt::format(" AND {} <= {}", dialect_.Moment(there, cursor.kind), as_of_);
  }
  return fmt::format("WHEN {} THEN {} ", late, Number(MergeAction::kSkip));
}

// When the rows were read, but later than `moment`: no version is empty, whatever clocks say.
std::string MergeText::After(const std::string& moment) const {
  return fmt::format("coalesce(greatest({0}, {1} + INTERVAL '1 microsecond'), {0})", as_of_,
                     moment);
}

// The row's own time, if it has one, and it lies where a time of that version can.
std::string MergeText::Moment() const {
  const std::string from = Mine(kValidFrom, "t.");
  if (!cursor_ || !IsMoment(columns_[*cursor_].kind)) return After(from);
  const Column& cursor = columns_[*cursor_];
  return fmt::format("CASE WHEN {0} <= {1} AND ({2} IS NULL OR {0} > {2}) THEN {0} ELSE {3} END",
                     dialect_.Moment("s." + cursor.staged, cursor.kind), as_of_, from, After(from));
}

std::string MergeText::ClassifyAs(const std::string& rows, const std::string& row,
                                  const std::string& differs, MergeAction same) const {
  return fmt::format(
      "{0} SELECT {1} AS s, t.{2} AS t, CAST(CASE {14}WHEN {3} THEN CASE WHEN t.{2} IS NULL THEN "
      "{4} ELSE {5} END WHEN t.{2} IS NULL THEN {6} WHEN {7} THEN {8} ELSE {9} END AS {10}) AS "
      "a{15} FROM {11} LEFT JOIN {12} AS t ON {13}",
      dialect_.MakeActions(place_.actions), row, dialect_.RowId(),
      DropsFlagged() ? Flagged("s.") : "false", Number(MergeAction::kSkip),
      Number(MergeAction::kDelete), Number(MergeAction::kInsert), differs,
      Number(MergeAction::kUpdate), Number(same), dialect_.ActionType(), rows, place_.table,
      SameKey(), Late(), history_ ? ", " + Moment() + " AS m" : "");
}

std::string MergeText::Classify() const {
  return ClassifyAs(place_.rows + " AS s", "s." + dialect_.RowId(), Differs(),
                    MergeAction::kUnchanged);
}

std::string MergeText::CountActions() const {
  std::vector<std::string> list;
  for (int action = 0; action <= Number(MergeAction::kUndecided); ++action) {
    list.push_back(fmt::format("count(*) FILTER (WHERE a = {})", action));
  }
  return fmt::format("SELECT {}, count(t) FROM {}", fmt::join(list, ", "), place_.actions);
}

std::string MergeText::RepeatedThere() const {
  return fmt::format(
      "SELECT count(*) FROM (SELECT s FROM {} GROUP BY s HAVING count(*) > 1) AS repeated",
      place_.actions);
}

std::string MergeText::RowsThere() const {
  if (!history_) return "SELECT count(*) FROM " + place_.table;
  return fmt::format("SELECT count(*), count(*) FILTER (WHERE {}) FROM {}", Mine(kIsCurrent, ""),
                     place_.table);
}

std::string MergeText::RemoveWhere(const std::string& alias) const {
  if (!history_) return fmt::format("DELETE FROM {}{} WHERE ", place_.table, alias);
  return fmt::format("UPDATE {}{} SET {} = {}, {} = false WHERE {} AND ", place_.table, alias,
                     Mine(kValidTo, ""), After(Mine(kValidFrom, "")), Mine(kIsCurrent, ""),
                     Mine(kIsCurrent, ""));
}

std::string MergeText::DeleteAbsent(bool keys) const {
  std::string sql = fmt::format("{}NOT EXISTS (SELECT 1 FROM {} AS a WHERE a.t = t.{})",
                                RemoveWhere(" AS t"), place_.actions, dialect_.RowId());
  if (!keys) return sql;
  return sql + fmt::format(" AND NOT EXISTS (SELECT 1 FROM {} AS k WHERE {})", place_.keys,
                           SameAsScanned());
}

std::string MergeText::BeginAfterEnded() const {
  return fmt::format(
      "UPDATE {0} AS x SET m = greatest({1}, e.ended) FROM (SELECT x.s AS s, max({2}) AS ended "
      "FROM {0} AS x JOIN {3} AS s ON s.{4} = x.s JOIN {5} AS t ON {6} WHERE x.a = {7} GROUP BY "
      "x.s) AS e WHERE e.s = x.s AND x.m < e.ended",
      place_.actions, as_of_, Mine(kValidTo, "t."), place_.rows, dialect_.RowId(), place_.table,
      KeyThere(), Number(MergeAction::kInsert));
}

std::string MergeText::EndVersions() const {
  return fmt::format(
      "UPDATE {} AS t SET {} = x.m, {} = false FROM {} AS x WHERE x.t = t.{} AND x.a IN ({}, {})",
      place_.table, Mine(kValidTo, ""), Mine(kIsCurrent, ""), place_.actions, dialect_.RowId(),
      Number(MergeAction::kDelete), Number(MergeAction::kUpdate));
}

std::string MergeText::AddVersions() const {
  const std::string ours =
      fmt::format(", {}, {}, {}", Mine(kValidFrom, ""), Mine(kValidTo, ""), Mine(kIsCurrent, ""));
  return fmt::format("{} JOIN {} AS x ON x.s = s.{} WHERE x.a IN ({}, {})",
                     Insert(ours, ", x.m, NULL, true"), place_.actions, dialect_.RowId(),
                     Number(MergeAction::kInsert), Number(MergeAction::kUpdate));
}

std::string MergeText::InsertAll() const { return Insert("", ""); }

std::string MergeText::Insert(const std::string& more_columns, const std::string& more) const {
  std::vector<std::string> to;
  std::vector<std::string> from;
  for (const Column& column : columns_) {
    if (!column.there) continue;
    to.push_back(*column.there);
    from.push_back("s." + column.staged);
  }
  return fmt::format("INSERT INTO {} ({}{}) SELECT {}{} FROM {} AS s", place_.table,
                     fmt::join(to, ", "), more_columns, fmt::join(from, ", "), more, place_.rows);
}

}  // namespace sluice::destinations::sql
