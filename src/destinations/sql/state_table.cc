#include "destinations/sql/state_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <utility>

#include "destinations/sql/state_row.h"

namespace sluice::destinations::sql {
namespace {

enum class Kind { kText, kCount, kTime };

struct StateColumn {
  std::string_view name;
  Kind kind;
  bool required = true;
  bool later = false;  // not in the tables of the first version
};
// In the table's order, which is that in which they were introduced. WriteState fills them so.
constexpr StateColumn kColumns[] = {{"stream", Kind::kText},
                                    {"target_schema", Kind::kText},
                                    {"target_table", Kind::kText},
                                    {"write_mode", Kind::kText},
                                    {"run", Kind::kText},
                                    {"attempt", Kind::kText},
                                    {"watermark", Kind::kText, false},
                                    {"inserted", Kind::kCount},
                                    {"updated", Kind::kCount},
                                    {"unchanged", Kind::kCount},
                                    {"deleted", Kind::kCount},
                                    {"skipped", Kind::kCount},
                                    {"notice_rows", Kind::kCount, false},
                                    {"manifest_rows", Kind::kCount},
                                    {"footer_rows", Kind::kCount},
                                    {"loaded_rows", Kind::kCount},
                                    {"parts", Kind::kCount},
                                    {"manifest_bytes", Kind::kCount},
                                    {"fetched_bytes", Kind::kCount},
                                    {"committed_at", Kind::kTime},
                                    {"cursor", Kind::kText, false, true},
                                    {"keys_compared", Kind::kTime, false, true},
                                    {"duplicates", Kind::kCount, false, true},
                                    {"deleted_absent", Kind::kCount, false, true},
                                    {"columns", Kind::kText, false, true},
                                    {"shape", Kind::kText, false, true}};

bool Has(const StateColumns& columns, std::string_view name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

std::string Definition(const Dialect& dialect, const StateColumn& column) {
  std::string type;
  switch (column.kind) {
    case Kind::kText: type = dialect.TextType(); break;
    case Kind::kCount: type = dialect.CountType(); break;
    case Kind::kTime: type = dialect.TimeType(); break;
  }
  std::string rest = column.required ? " NOT NULL" : "";
  if (column.name == "stream") rest = dialect.StreamKey();
  return fmt::format("{} {}{}", dialect.Quote(column.name), type, rest);
}

Value OrNull(const std::optional<std::string>& text) {
  return text ? Value(*text) : Value(std::monostate());
}

Value OrNull(const std::optional<std::uint64_t>& number) {
  return number ? Value(*number) : Value(std::monostate());
}

Statement OfStream(const Dialect& dialect, std::string text, std::string_view stream) {
  Statement statement;
  statement.text = std::move(text) + " FROM _sluice.state WHERE stream = ";
  statement.text += dialect.Put(statement, std::string(stream));
  return statement;
}

}  // namespace

StateColumns ReadStateColumns(Runner& runner, const Dialect& dialect) {
  StateColumns names;
  for (const auto& row : runner.Ask(dialect.StateColumnsText())) {
    names.push_back(row[0].value_or(""));
  }
  return names;
}

StateColumns AllStateColumns() {
  StateColumns names;
  for (const StateColumn& column : kColumns) names.emplace_back(column.name);
  return names;
}

std::vector<std::string> StateTableText(const Dialect& dialect, const StateColumns& columns) {
  std::vector<std::string> list;
  if (columns.empty()) {
    for (const StateColumn& column : kColumns) list.push_back(Definition(dialect, column));
    return {fmt::format("CREATE TABLE _sluice.state ({})", fmt::join(list, ", "))};
  }
  for (const StateColumn& column : kColumns) {
    if (!column.later || Has(columns, column.name)) continue;
    list.push_back("ALTER TABLE _sluice.state ADD COLUMN IF NOT EXISTS " +
                   Definition(dialect, column));
  }
  return list;
}

std::optional<Committed> ReadState(Runner& runner, const Dialect& dialect,
                                   const StateColumns& columns, std::string_view stream) {
  if (columns.empty()) return std::nullopt;
  const auto later = [&](std::string_view name, const std::string& expression) {
    return Has(columns, name) ? expression : "CAST(NULL AS VARCHAR)";
  };
  const std::string text = fmt::format(
      "SELECT run, attempt, watermark, inserted, updated, unchanged, deleted, skipped, {}, {}, {}, "
      "{}, {}",
      later("cursor", "\"cursor\""), later("keys_compared", dialect.Micros("keys_compared")),
      later("duplicates", "duplicates"), later("deleted_absent", "deleted_absent"),
      later("shape", "shape"));
  const Rows rows = runner.Ask(OfStream(dialect, text, stream));
  if (rows.empty()) return std::nullopt;
  return ReadStateRow(stream, std::span<const std::optional<std::string>, 13>(rows.front()));
}

std::optional<std::vector<std::string>> ReadLastColumns(Runner& runner, const Dialect& dialect,
                                                        const StateColumns& columns,
                                                        std::string_view stream) {
  if (!Has(columns, "columns")) return std::nullopt;
  const Rows rows = runner.Ask(OfStream(dialect, "SELECT \"columns\"", stream));
  if (rows.empty()) return std::nullopt;
  return ParseNames(rows.front()[0]);
}

void ForgetState(Runner& runner, const Dialect& dialect, std::string_view stream) {
  runner.Change(OfStream(dialect, "DELETE", stream));
}

void WriteState(Runner& runner, const Dialect& dialect, const model::StreamTarget& target,
                const Committed& row, const model::Proof& proof, base::UtcTime now) {
  Statement insert;
  std::vector<std::string> cells;
  const auto put = [&](Value value) { cells.push_back(dialect.Put(insert, std::move(value))); };
  const auto put_time = [&](std::optional<base::UtcTime> time) {
    cells.push_back(dialect.PutTime(insert, time));
  };
  put(target.stream);
  put(target.table.schema);
  put(target.table.table);
  put(std::string(model::ToString(target.write_mode)));
  put(row.watermark.run);
  put(row.watermark.attempt);
  put(OrNull(row.watermark.value));
  const model::Counts& counts = row.counts;
  for (const std::uint64_t count :
       {counts.inserted, counts.updated, counts.unchanged, counts.deleted, counts.skipped}) {
    put(count);
  }
  put(OrNull(proof.notice_rows));
  for (const std::uint64_t count : {proof.manifest_rows, proof.footer_rows, proof.loaded_rows,
                                    proof.parts, proof.manifest_bytes, proof.fetched_bytes}) {
    put(count);
  }
  put_time(now);
  put(OrNull(row.watermark.cursor));
  put_time(row.watermark.keys_compared);
  put(counts.duplicates);
  put(counts.deleted_absent);
  put(FormatNames(target.columns));
  put(OrNull(row.watermark.shape));
  std::vector<std::string> names;
  for (const StateColumn& column : kColumns) names.push_back(dialect.Quote(column.name));
  insert.text = fmt::format("INSERT INTO _sluice.state ({}) VALUES ({})", fmt::join(names, ", "),
                            fmt::join(cells, ", "));
  runner.ChangeAll({OfStream(dialect, "DELETE", target.stream), std::move(insert)});
}

}  // namespace sluice::destinations::sql
