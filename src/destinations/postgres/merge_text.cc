#include "destinations/postgres/merge_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "destinations/postgres/sql_text.h"

namespace sluice::destinations::postgres {
namespace {

using model::TypeKind;

std::size_t IndexOf(const model::StreamTarget& target, const std::string& name) {
  const auto found = std::find_if(target.columns.begin(), target.columns.end(),
                                  [&](const model::Column& c) { return c.name == name; });
  return static_cast<std::size_t>(found - target.columns.begin());
}

bool IsFloat(TypeKind kind) { return kind == TypeKind::kFloat32 || kind == TypeKind::kFloat64; }

bool IsText(TypeKind kind) {
  switch (kind) {
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return true;
    default: return false;
  }
}

// As something that has an order, and the same one in every database.
std::string Ordered(const std::string& name, TypeKind kind) {
  if (kind == TypeKind::kSuper) return fmt::format("CAST({} AS text) COLLATE \"C\"", name);
  return IsText(kind) ? name + " COLLATE \"C\"" : name;
}

int Number(MergeAction action) { return static_cast<int>(action); }

std::string CountNulls(const std::vector<std::string>& names, const std::string& table) {
  std::vector<std::string> list;
  for (const std::string& name : names) {
    list.push_back(fmt::format("count(*) FILTER (WHERE {} IS NULL)", name));
  }
  return fmt::format("SELECT {} FROM {}", fmt::join(list, ", "), table);
}

}  // namespace

MergeText::MergeText(const model::StreamTarget& target, Place place)
    : place_(std::move(place)), keep_flagged_(target.deletes.keep_flagged) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    Column column{.staged = fmt::format("c{}", i),
                  .there = std::nullopt,
                  .kind = target.columns[i].type.kind};
    if (place_.lands_in[i]) column.there = QuoteName(*place_.lands_in[i]);
    if (place_.rows == place_.table) column.staged = QuoteName(target.columns[i].name);
    columns_.push_back(std::move(column));
  }
  if (target.write_mode != model::WriteMode::kMerge) return;
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
  return column.kind == TypeKind::kBool
             ? fmt::format("coalesce({}{}, false)", prefix, column.staged)
             : fmt::format("({}{} IS NOT NULL)", prefix, column.staged);
}

// Between s and t. NaN equals itself to PostgreSQL, and -0.0 equals 0.0: the text tells those
// apart. JSON has no equality but that of its text.
std::string MergeText::Differs() const {
  std::vector<std::string> list;
  for (const Column& column : columns_) {
    if (!column.there) continue;
    const std::string mine = "s." + column.staged;
    const std::string theirs = "t." + *column.there;
    if (column.kind == TypeKind::kSuper) {
      list.push_back(
          fmt::format("CAST({} AS text) IS DISTINCT FROM CAST({} AS text)", mine, theirs));
      continue;
    }
    list.push_back(fmt::format("{} IS DISTINCT FROM {}", mine, theirs));
    if (IsFloat(column.kind)) {
      list.push_back(fmt::format("({0} = 0 AND {1} = 0 AND CAST({0} AS text) <> CAST({1} AS text))",
                                 mine, theirs));
    }
  }
  return fmt::format("({})", fmt::join(list, " OR "));
}

std::string MergeText::SameKey() const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) {
    list.push_back(fmt::format("s.{} = t.{}", columns_[i].staged, *columns_[i].there));
  }
  return fmt::format("{}", fmt::join(list, " AND "));
}

std::string MergeText::NullsInKeys() const {
  std::vector<std::string> names;
  for (const std::size_t i : key_) names.push_back(columns_[i].staged);
  return CountNulls(names, place_.rows);
}

std::string MergeText::NullsInScannedKeys() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < key_.size(); ++i) names.push_back(fmt::format("c{}", i));
  return CountNulls(names, QuoteTable(place_.own.keys));
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
    const std::string name = "s." + column.staged;
    order.push_back(Ordered(name, column.kind) + " DESC NULLS LAST");
    if (IsFloat(column.kind)) {
      order.push_back(fmt::format("CAST({} AS text) = '-0' NULLS LAST", name));
    }
  };
  if (cursor_) greatest(columns_[*cursor_]);
  if (deleted_) order.push_back(Flagged("s.") + " DESC");
  for (const Column& column : columns_) greatest(column);
  std::vector<std::string> same;
  for (const std::size_t i : key_) {
    same.push_back(fmt::format("s.{0} = d.{0}", columns_[i].staged));
  }
  // Only rows whose key comes again are sorted.
  return fmt::format(
      "DELETE FROM {0} WHERE ctid IN (SELECT r FROM (SELECT s.ctid AS r, row_number() OVER "
      "(PARTITION BY {1} ORDER BY {2}) AS n FROM {0} AS s JOIN (SELECT {3} FROM {0} GROUP BY {3} "
      "HAVING count(*) > 1) AS d ON {4}) AS numbered WHERE n > 1)",
      place_.rows, KeyList("s."), fmt::join(order, ", "), KeyList(""), fmt::join(same, " AND "));
}

std::string MergeText::DropFlagged() const {
  return fmt::format("DELETE FROM {} WHERE {}", place_.rows, Flagged(""));
}

std::string MergeText::Classify() const {
  return fmt::format(
      "CREATE UNLOGGED TABLE {} AS SELECT s.ctid AS s, t.ctid AS t, CAST(CASE WHEN {} THEN CASE "
      "WHEN t.ctid IS NULL THEN {} ELSE {} END WHEN t.ctid IS NULL THEN {} WHEN {} THEN {} ELSE {} "
      "END AS smallint) AS a FROM {} AS s LEFT JOIN {} AS t ON {}",
      QuoteTable(place_.own.actions), DropsFlagged() ? Flagged("s.") : "false",
      Number(MergeAction::kSkip), Number(MergeAction::kDelete), Number(MergeAction::kInsert),
      Differs(), Number(MergeAction::kUpdate), Number(MergeAction::kUnchanged), place_.rows,
      place_.table, SameKey());
}

std::string MergeText::CountActions() const {
  std::vector<std::string> list;
  for (int action = 0; action <= Number(MergeAction::kUnchanged); ++action) {
    list.push_back(fmt::format("count(*) FILTER (WHERE a = {})", action));
  }
  return fmt::format("SELECT {}, count(t) FROM {}", fmt::join(list, ", "),
                     QuoteTable(place_.own.actions));
}

std::string MergeText::RepeatedThere() const {
  return fmt::format(
      "SELECT count(*) FROM (SELECT s FROM {} GROUP BY s HAVING count(*) > 1) AS repeated",
      QuoteTable(place_.own.actions));
}

std::string MergeText::DeleteAbsent(bool keys) const {
  std::string sql =
      fmt::format("DELETE FROM {} AS t WHERE NOT EXISTS (SELECT FROM {} AS a WHERE a.t = t.ctid)",
                  place_.table, QuoteTable(place_.own.actions));
  if (!keys) return sql;
  std::vector<std::string> same;
  for (std::size_t i = 0; i < key_.size(); ++i) {
    same.push_back(fmt::format("k.c{} = t.{}", i, *columns_[key_[i]].there));
  }
  return sql + fmt::format(" AND NOT EXISTS (SELECT FROM {} AS k WHERE {})",
                           QuoteTable(place_.own.keys), fmt::join(same, " AND "));
}

std::string MergeText::DeleteFlagged() const {
  return fmt::format("DELETE FROM {} AS t USING {} AS a WHERE t.ctid = a.t AND a.a = {}",
                     place_.table, QuoteTable(place_.own.actions), Number(MergeAction::kDelete));
}

std::string MergeText::UpdateChanged() const {
  std::vector<std::string> list;
  for (const Column& column : columns_) {
    if (column.there) list.push_back(fmt::format("{} = s.{}", *column.there, column.staged));
  }
  for (const std::string& other : place_.others) {
    list.push_back(QuoteName(other) + " = DEFAULT");
  }
  return fmt::format(
      "UPDATE {} AS t SET {} FROM {} AS a JOIN {} AS s ON s.ctid = a.s WHERE t.ctid = a.t AND a.a "
      "= {}",
      place_.table, fmt::join(list, ", "), QuoteTable(place_.own.actions), place_.rows,
      Number(MergeAction::kUpdate));
}

std::string MergeText::Lists() const {
  std::vector<std::string> to;
  std::vector<std::string> from;
  for (const Column& column : columns_) {
    if (!column.there) continue;
    to.push_back(*column.there);
    from.push_back("s." + column.staged);
  }
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} AS s", place_.table,
                     fmt::join(to, ", "), fmt::join(from, ", "), place_.rows);
}

std::string MergeText::InsertAll() const { return Lists(); }

std::string MergeText::InsertNew() const {
  return fmt::format("{} JOIN {} AS a ON s.ctid = a.s WHERE a.a = {}", Lists(),
                     QuoteTable(place_.own.actions), Number(MergeAction::kInsert));
}

std::string MergeText::AddPrimaryKey() const {
  std::vector<std::string> list;
  for (const std::size_t i : key_) list.push_back(*columns_[i].there);
  return fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", place_.table, fmt::join(list, ", "));
}

}  // namespace sluice::destinations::postgres
