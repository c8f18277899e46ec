#include "destinations/postgres/pg_merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "destinations/history_columns.h"
#include "destinations/postgres/pg_dialect.h"
#include "destinations/postgres/sql_text.h"

namespace sluice::destinations::postgres {

using sql::MergeAction;
using sql::Number;

PgMergeText::PgMergeText(const model::StreamTarget& target, const Tables& tables)
    : MergeText(TheDialect(), target,
                {.table = tables.table,
                 .rows = tables.rows,
                 .keys = QuoteTable(tables.own.keys),
                 .actions = QuoteTable(tables.own.actions),
                 .lands_in = tables.lands_in}),
      others_(tables.others) {}

std::string PgMergeText::DeleteFlagged() const {
  return fmt::format("DELETE FROM {} AS t USING {} AS a WHERE t.ctid = a.t AND a.a = {}",
                     place().table, place().actions, Number(MergeAction::kDelete));
}

std::string PgMergeText::UpdateChanged() const {
  std::vector<std::string> list;
  for (const Column& column : columns()) {
    if (column.there) list.push_back(fmt::format("{} = s.{}", *column.there, column.staged));
  }
  for (const std::string& other : others_) list.push_back(QuoteName(other) + " = DEFAULT");
  return fmt::format(
      "UPDATE {} AS t SET {} FROM {} AS a JOIN {} AS s ON s.ctid = a.s WHERE t.ctid = a.t AND a.a "
      "= {}",
      place().table, fmt::join(list, ", "), place().actions, place().rows,
      Number(MergeAction::kUpdate));
}

std::string PgMergeText::InsertNew() const {
  return fmt::format("{} JOIN {} AS a ON s.ctid = a.s WHERE a.a = {}", InsertAll(), place().actions,
                     Number(MergeAction::kInsert));
}

std::string PgMergeText::AddPrimaryKey() const {
  std::vector<std::string> list;
  for (const std::size_t i : key()) list.push_back(*columns()[i].there);
  if (KeepsHistory()) list.push_back(QuoteName(kValidFrom));
  return fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", place().table, fmt::join(list, ", "));
}

std::string PgMergeText::AnalyzeRows() const { return "ANALYZE " + place().rows; }

std::string PgMergeText::AnalyzeActions() const { return "ANALYZE " + place().actions; }

bool PgMerge::ProveKeys() {
  runner().Change("SAVEPOINT before_key");
  try {
    runner().Change(text_.AddPrimaryKey());
    return true;
  } catch (const base::Error& error) {
    const auto state = error.info().facts.find("state");
    if (state == error.info().facts.end() || !state->second.starts_with("23")) throw;
  }
  runner().Change("ROLLBACK TO SAVEPOINT before_key");
  return false;
}

void PgMerge::OnTaken() { runner().Change(text_.AddPrimaryKey()); }

std::vector<std::uint64_t> PgMerge::Classify() {
  runner().Change(text_.AnalyzeRows());
  runner().Change(text_.Classify());
  runner().Change(text_.AnalyzeActions());
  return Numbers(text_.CountActions());
}

bool PgMerge::Write(const ToWrite& rows) {
  const auto change = [&](std::uint64_t expected, const std::string& text) {
    return expected == 0 || runner().Change(text) == expected;
  };
  const bool deleted = change(rows.flagged, text_.DeleteFlagged());
  const bool updated = change(rows.updated, text_.UpdateChanged());
  const bool inserted = change(rows.inserted, text_.InsertNew());
  return deleted && updated && inserted;
}

}  // namespace sluice::destinations::postgres
