#include "destinations/duckdb/state_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "destinations/state_row.h"

namespace sluice::destinations {
namespace {

using columnar::Task;
using columnar::Value;

Value OrNull(const std::optional<std::string>& text) {
  return text ? Value(*text) : Value(std::monostate());
}

Value OrNull(const std::optional<std::uint64_t>& number) {
  return number ? Value(*number) : Value(std::monostate());
}

std::int64_t Micros(base::UtcTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

Value OrNull(const std::optional<base::UtcTime>& time) {
  return time ? Value(Micros(*time)) : Value(std::monostate());
}

struct LaterColumn {
  std::string_view name;
  std::string_view type;
};
// In the order in which they were introduced.
constexpr LaterColumn kLaterColumns[] = {{"cursor", "VARCHAR"},
                                         {"keys_compared", "TIMESTAMP WITH TIME ZONE"},
                                         {"duplicates", "UBIGINT"},
                                         {"deleted_absent", "UBIGINT"},
                                         {"columns", "VARCHAR"}};

bool Has(const StateColumns& columns, std::string_view name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

std::string CreateText() {
  std::string later;
  for (const LaterColumn& column : kLaterColumns) {
    later += fmt::format(", \"{}\" {}", column.name, column.type);
  }
  return fmt::format(
      "CREATE TABLE _sluice.state (stream VARCHAR NOT NULL, "
      "target_schema VARCHAR NOT NULL, target_table VARCHAR NOT NULL, write_mode VARCHAR NOT "
      "NULL, run VARCHAR NOT NULL, attempt VARCHAR NOT NULL, watermark VARCHAR, "
      "inserted UBIGINT NOT NULL, updated UBIGINT NOT NULL, unchanged UBIGINT NOT NULL, "
      "deleted UBIGINT NOT NULL, skipped UBIGINT NOT NULL, notice_rows UBIGINT, "
      "manifest_rows UBIGINT NOT NULL, footer_rows UBIGINT NOT NULL, loaded_rows UBIGINT NOT "
      "NULL, parts UBIGINT NOT NULL, manifest_bytes UBIGINT NOT NULL, fetched_bytes UBIGINT NOT "
      "NULL, committed_at TIMESTAMP WITH TIME ZONE NOT NULL{})",
      later);
}

void Undo(columnar::Connection& connection, const Task& task) noexcept {
  try {
    connection.Run("ROLLBACK", {}, task);
  } catch (const base::Error&) {
    // DuckDB has rolled back by itself, or gave up on the file.
  }
}

}  // namespace

StateColumns ReadStateColumns(columnar::Connection& connection, const StateSubject& subject) {
  StateColumns names;
  for (const auto& row :
       connection
           .Run("SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
                "AND schema_name = '_sluice' AND table_name = 'state'",
                {}, {.operation = "read state", .subject = subject})
           .rows) {
    names.push_back(row[0].value_or(""));
  }
  return names;
}

bool MakeStateTable(columnar::Connection& connection, StateColumns& columns,
                    const StateSubject& subject) {
  const Task task{.operation = "make the state table", .subject = subject};
  std::vector<std::string> statements;
  if (columns.empty()) {
    statements.emplace_back("CREATE SCHEMA IF NOT EXISTS _sluice");
    statements.emplace_back(CreateText());
  } else {
    for (const LaterColumn& column : kLaterColumns) {
      if (Has(columns, column.name)) continue;
      statements.push_back(
          fmt::format("ALTER TABLE _sluice.state ADD COLUMN \"{}\" {}", column.name, column.type));
    }
  }
  if (statements.empty()) return false;
  // Each commit waits for the disk once.
  connection.Run("BEGIN TRANSACTION", {}, task);
  try {
    for (const std::string& statement : statements) connection.Run(statement, {}, task);
    connection.Run("COMMIT", {}, task);
  } catch (const base::Error&) {
    Undo(connection, task);
    throw;
  }
  const bool made = columns.empty();
  columns = ReadStateColumns(connection, subject);
  return made;
}

bool HoldsNothing(columnar::Connection& connection, const StateColumns& columns,
                  const StateSubject& subject) {
  const Task task{.operation = "look into the file", .subject = subject};
  const auto any = [&](const std::string& from) {
    return !connection.Run("SELECT true FROM " + from + " LIMIT 1", {}, task).rows.empty();
  };
  const std::string here = "() WHERE database_name = current_database() AND NOT internal";
  if (any("duckdb_tables" + here + " AND (schema_name, table_name) <> ('_sluice', 'state')")) {
    return false;
  }
  for (const char* kind : {"duckdb_views", "duckdb_types", "duckdb_functions"}) {
    if (any(kind + here)) return false;
  }
  if (any("duckdb_sequences() WHERE database_name = current_database()")) return false;
  return !columns.empty() && !any("_sluice.state");
}

std::optional<Committed> ReadState(columnar::Connection& connection, const StateColumns& columns,
                                   std::string_view stream, const StateSubject& subject,
                                   std::stop_token stop) {
  if (columns.empty()) return std::nullopt;
  const Task task{.operation = "read state", .subject = subject};
  const auto later = [&](std::string_view name, std::string expression) {
    return Has(columns, name) ? std::move(expression) : "CAST(NULL AS VARCHAR)";
  };
  const columnar::Result result = connection.Run(
      fmt::format("SELECT run, attempt, watermark, inserted, updated, unchanged, deleted, skipped, "
                  "{}, {}, {}, {} FROM _sluice.state WHERE stream = $1",
                  later("cursor", "\"cursor\""),
                  later("keys_compared", "CAST(epoch_us(keys_compared) AS BIGINT)"),
                  later("duplicates", "duplicates"), later("deleted_absent", "deleted_absent")),
      {std::string(stream)}, task, stop);
  if (result.rows.empty()) return std::nullopt;
  return ReadStateRow(stream, std::span<const std::optional<std::string>, 12>(result.rows.front()));
}

std::optional<std::vector<std::string>> ReadLastColumns(columnar::Connection& connection,
                                                        const StateColumns& columns,
                                                        std::string_view stream,
                                                        const StateSubject& subject) {
  if (!Has(columns, "columns")) return std::nullopt;
  const columnar::Result result =
      connection.Run("SELECT \"columns\" FROM _sluice.state WHERE stream = $1",
                     {std::string(stream)}, {.operation = "read state", .subject = subject});
  if (result.rows.empty()) return std::nullopt;
  return ParseNames(result.rows.front()[0]);
}

void ForgetState(columnar::Connection& connection, std::string_view stream,
                 const StateSubject& subject, std::stop_token stop) {
  connection.Run("DELETE FROM _sluice.state WHERE stream = $1", {std::string(stream)},
                 {.operation = "forget the last commit", .subject = subject}, stop);
}

void WriteState(columnar::Connection& connection, const model::StreamTarget& target,
                const Committed& row, const model::Proof& proof, base::UtcTime now,
                const StateSubject& subject, std::stop_token stop) {
  const Task task{.operation = "write state", .subject = subject};
  connection.Run("DELETE FROM _sluice.state WHERE stream = $1", {target.stream}, task, stop);
  connection.Run(
      "INSERT INTO _sluice.state (stream, target_schema, target_table, write_mode, run, attempt, "
      "watermark, inserted, updated, unchanged, deleted, skipped, notice_rows, manifest_rows, "
      "footer_rows, loaded_rows, parts, manifest_bytes, fetched_bytes, committed_at, "
      "\"cursor\", keys_compared, duplicates, deleted_absent, \"columns\") VALUES "
      "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
      "make_timestamptz($20), $21, make_timestamptz($22), $23, $24, $25)",
      {target.stream,
       target.table.schema,
       target.table.table,
       std::string(model::ToString(target.write_mode)),
       row.watermark.run,
       row.watermark.attempt,
       OrNull(row.watermark.value),
       row.counts.inserted,
       row.counts.updated,
       row.counts.unchanged,
       row.counts.deleted,
       row.counts.skipped,
       OrNull(proof.notice_rows),
       proof.manifest_rows,
       proof.footer_rows,
       proof.loaded_rows,
       proof.parts,
       proof.manifest_bytes,
       proof.fetched_bytes,
       Micros(now),
       OrNull(row.watermark.cursor),
       OrNull(row.watermark.keys_compared),
       row.counts.duplicates,
       row.counts.deleted_absent,
       FormatNames(target.columns)},
      task, stop);
}

}  // namespace sluice::destinations
