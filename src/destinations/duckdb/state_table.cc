#include "destinations/duckdb/state_table.h"

#include <charconv>
#include <string>
#include <utility>

namespace sluice::destinations {
namespace {

using columnar::Task;
using columnar::Value;

std::uint64_t ToNumber(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

Value OrNull(const std::optional<std::string>& text) {
  return text ? Value(*text) : Value(std::monostate());
}

Value OrNull(const std::optional<std::uint64_t>& number) {
  return number ? Value(*number) : Value(std::monostate());
}

std::int64_t Micros(base::UtcTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

bool StateTableExists(columnar::Connection& connection, const StateSubject& subject) {
  return !connection
              .Run(
                  "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() "
                  "AND schema_name = '_sluice' AND table_name = 'state'",
                  {}, {.operation = "read state", .subject = subject})
              .rows.empty();
}

void MakeStateTable(columnar::Connection& connection, const StateSubject& subject) {
  const Task task{.operation = "make the state table", .subject = subject};
  connection.Run("CREATE SCHEMA IF NOT EXISTS _sluice", {}, task);
  connection.Run(
      "CREATE TABLE IF NOT EXISTS _sluice.state (stream VARCHAR NOT NULL, "
      "target_schema VARCHAR NOT NULL, target_table VARCHAR NOT NULL, write_mode VARCHAR NOT NULL, "
      "run VARCHAR NOT NULL, attempt VARCHAR NOT NULL, watermark VARCHAR, "
      "inserted UBIGINT NOT NULL, updated UBIGINT NOT NULL, unchanged UBIGINT NOT NULL, "
      "deleted UBIGINT NOT NULL, skipped UBIGINT NOT NULL, notice_rows UBIGINT, "
      "manifest_rows UBIGINT NOT NULL, footer_rows UBIGINT NOT NULL, loaded_rows UBIGINT NOT NULL, "
      "parts UBIGINT NOT NULL, manifest_bytes UBIGINT NOT NULL, fetched_bytes UBIGINT NOT NULL, "
      "committed_at TIMESTAMP WITH TIME ZONE NOT NULL)",
      {}, task);
}

std::optional<StateRow> ReadState(columnar::Connection& connection, std::string_view stream,
                                  const StateSubject& subject, std::stop_token stop) {
  const columnar::Result result = connection.Run(
      "SELECT run, attempt, watermark, inserted, updated, unchanged, deleted, skipped "
      "FROM _sluice.state WHERE stream = $1",
      {std::string(stream)}, {.operation = "read state", .subject = subject}, stop);
  if (result.rows.empty()) return std::nullopt;
  const auto& row = result.rows.front();
  return StateRow{.watermark = {.stream = std::string(stream),
                                .value = row[2],
                                .run = row[0].value_or(""),
                                .attempt = row[1].value_or("")},
                  .counts = {.inserted = ToNumber(row[3]),
                             .updated = ToNumber(row[4]),
                             .unchanged = ToNumber(row[5]),
                             .deleted = ToNumber(row[6]),
                             .skipped = ToNumber(row[7])}};
}

void WriteState(columnar::Connection& connection, const model::StreamTarget& target,
                const StateRow& row, const model::Proof& proof, base::UtcTime now,
                const StateSubject& subject, std::stop_token stop) {
  const Task task{.operation = "write state", .subject = subject};
  connection.Run("DELETE FROM _sluice.state WHERE stream = $1", {target.stream}, task, stop);
  connection.Run(
      "INSERT INTO _sluice.state (stream, target_schema, target_table, write_mode, run, attempt, "
      "watermark, inserted, updated, unchanged, deleted, skipped, notice_rows, manifest_rows, "
      "footer_rows, loaded_rows, parts, manifest_bytes, fetched_bytes, committed_at) VALUES "
      "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "
      "make_timestamptz($20))",
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
       Micros(now)},
      task, stop);
}

}  // namespace sluice::destinations
