#include "destinations/postgres/state_table.h"

#include <fmt/format.h>

#include <span>
#include <string>

#include "destinations/postgres/sql_text.h"
#include "destinations/state_row.h"

namespace sluice::destinations::postgres {
namespace {

std::string OrNull(const std::optional<std::string>& text) {
  return text ? QuoteText(*text) : "NULL";
}

std::string OrNull(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "NULL";
}

// Exact: an interval is a whole number of microseconds.
std::string TimeText(base::UtcTime time) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  return fmt::format("timestamptz '1970-01-01 00:00:00+00' + interval '{} seconds {} microseconds'",
                     micros / 1'000'000, micros % 1'000'000);
}

// Asked first: ALTER would wait for every reader.
void AddLaterColumn(Session& session, const Task& task, const base::Call& call) {
  const bool there = !session
                          .Ask(
                              "SELECT 1 FROM pg_attribute WHERE attrelid = "
                              "'_sluice.state'::regclass AND attname = 'columns'",
                              task, call)
                          .empty();
  if (!there) {
    session.Run("ALTER TABLE _sluice.state ADD COLUMN IF NOT EXISTS \"columns\" text", task, call);
  }
}

}  // namespace

bool StateTableExists(Session& session, const Task& task, const base::Call& call) {
  return !session
              .Ask(
                  "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
                  "n.nspname = '_sluice' AND c.relname = 'state'",
                  task, call)
              .empty();
}

bool MakeStateTable(Session& session, const Task& task, const base::Call& call) {
  if (StateTableExists(session, task, call)) {
    AddLaterColumn(session, task, call);
    return false;
  }
  session.Run(
      "CREATE TABLE _sluice.state (stream text PRIMARY KEY, target_schema text NOT NULL, "
      "target_table text NOT NULL, write_mode text NOT NULL, run text NOT NULL, attempt text NOT "
      "NULL, watermark text, inserted bigint NOT NULL, updated bigint NOT NULL, unchanged bigint "
      "NOT NULL, deleted bigint NOT NULL, skipped bigint NOT NULL, notice_rows bigint, "
      "manifest_rows bigint NOT NULL, footer_rows bigint NOT NULL, loaded_rows bigint NOT NULL, "
      "parts bigint NOT NULL, manifest_bytes bigint NOT NULL, fetched_bytes bigint NOT NULL, "
      "committed_at timestamptz NOT NULL, \"cursor\" text, keys_compared timestamptz, duplicates "
      "bigint, deleted_absent bigint, \"columns\" text)",
      task, call);
  return true;
}

std::optional<Committed> ReadState(Session& session, std::string_view stream, const Task& task,
                                   const base::Call& call) {
  const Rows rows = session.Ask(
      fmt::format("SELECT run, attempt, watermark, inserted, updated, unchanged, deleted, skipped, "
                  "\"cursor\", CAST(round(CAST(extract(epoch FROM keys_compared) * 1000000 AS "
                  "numeric)) AS bigint), duplicates, deleted_absent FROM _sluice.state WHERE "
                  "stream = {}",
                  QuoteText(stream)),
      task, call);
  if (rows.empty()) return std::nullopt;
  return ReadStateRow(stream, std::span<const std::optional<std::string>, 12>(rows.front()));
}

std::optional<std::vector<std::string>> ReadLastColumns(Session& session, std::string_view stream,
                                                        const Task& task, const base::Call& call) {
  // By the row as JSON: tables of earlier versions do not have the column.
  const Rows rows = session.Ask(
      fmt::format("SELECT to_jsonb(s) ->> 'columns' FROM _sluice.state s WHERE stream = {}",
                  QuoteText(stream)),
      task, call);
  if (rows.empty()) return std::nullopt;
  return ParseNames(rows.front()[0]);
}

void ForgetState(Session& session, std::string_view stream, const Task& task,
                 const base::Call& call) {
  session.Run("DELETE FROM _sluice.state WHERE stream = " + QuoteText(stream), task, call);
}

void WriteState(Session& session, const model::StreamTarget& target, const Committed& row,
                const model::Proof& proof, base::UtcTime now, const Task& task,
                const base::Call& call) {
  const model::Counts& counts = row.counts;
  session.Run(
      fmt::format(
          "DELETE FROM _sluice.state WHERE stream = {0}; INSERT INTO _sluice.state (stream, "
          "target_schema, target_table, write_mode, run, attempt, watermark, inserted, updated, "
          "unchanged, deleted, skipped, notice_rows, manifest_rows, footer_rows, loaded_rows, "
          "parts, manifest_bytes, fetched_bytes, committed_at, \"cursor\", keys_compared, "
          "duplicates, deleted_absent, \"columns\") VALUES ({0}, {1}, {2}, {3}, {4}, {5}, {6}, "
          "{7}, {8}, {9}, "
          "{10}, {11}, {12}, {13}, {14}, {15}, {16}, {17}, {18}, {19}, {20}, {21}, {22}, {23}, "
          "{24})",
          QuoteText(target.stream), QuoteText(target.table.schema), QuoteText(target.table.table),
          QuoteText(model::ToString(target.write_mode)), QuoteText(row.watermark.run),
          QuoteText(row.watermark.attempt), OrNull(row.watermark.value), counts.inserted,
          counts.updated, counts.unchanged, counts.deleted, counts.skipped,
          OrNull(proof.notice_rows), proof.manifest_rows, proof.footer_rows, proof.loaded_rows,
          proof.parts, proof.manifest_bytes, proof.fetched_bytes, TimeText(now),
          OrNull(row.watermark.cursor),
          row.watermark.keys_compared ? TimeText(*row.watermark.keys_compared) : "NULL",
          counts.duplicates, counts.deleted_absent, QuoteText(FormatNames(target.columns))),
      task, call);
}

}  // namespace sluice::destinations::postgres
