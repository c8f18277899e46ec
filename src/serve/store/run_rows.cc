#include "serve/store/run_rows.h"

#include <fmt/format.h>

#include "serve/store/rows.h"

namespace sluice::serve {

std::string SelectRuns(std::string_view where, RunDetail detail) {
  // The same columns, most of them empty: a quarter of the time of an overview.
  if (detail == RunDetail::kState) {
    return fmt::format(
        "SELECT r.number, r.id, r.tenant, r.pipeline, '', '', r.trigger, r.state, 0, 0, '[]', '',"
        " r.queued, NULL, r.ended, 0, NULL, NULL, NULL, NULL, NULL, NULL, r.error, '', NULL FROM "
        "run"
        " r WHERE {}",
        where);
  }
  return fmt::format(
      "SELECT r.number, r.id, r.tenant, r.pipeline, r.source, r.destination, r.trigger, r.state,"
      " r.whole, r.allow_deletes, r.streams, r.retry_of, r.queued, r.started, r.ended, r.stop,"
      " r.pid, r.pid_started, r.rows, r.bytes, r.counts, r.cost, r.error, p.name, r.result FROM run"
      " r JOIN resource p ON p.id = r.pipeline WHERE {}",
      where);
}

Run ReadRun(const sqlite::Statement& row, bool with_result) {
  Run run;
  run.id = row.Text(1);
  run.tenant = row.Text(2);
  run.pipeline = row.Text(3);
  run.source = row.Text(4);
  run.destination = row.Text(5);
  run.trigger = ParseTrigger(row.Text(6)).value_or(Trigger::kManual);
  run.state = ParseRunState(row.Text(7)).value_or(RunState::kFailed);
  run.full = row.Number(8) != 0;
  run.allow_deletes = row.Number(9) != 0;
  // "[]", all of them, is by far the most frequent.
  if (const std::string streams = row.Text(10); streams != "[]") {
    for (const Json& stream : StoredJson(streams)) {
      if (stream.is_string()) run.streams.push_back(stream.get<std::string>());
    }
  }
  run.retry_of = row.Text(11);
  run.queued_at = FromMs(row.Number(12));
  run.started_at = OptionalMs(row, 13);
  run.ended_at = OptionalMs(row, 14);
  run.stop_requested = row.Number(15) != 0;
  if (const auto pid = row.OptionalNumber(16)) {
    run.process = Process{.pid = static_cast<int>(*pid), .started = row.Unsigned(17)};
  }
  run.rows = row.OptionalNumber(18);
  run.bytes = row.OptionalNumber(19);
  run.counts = StoredJsonOrNull(row.OptionalText(20));
  run.cost = StoredJsonOrNull(row.OptionalText(21));
  run.error = StoredJsonOrNull(row.OptionalText(22));
  run.pipeline_name = row.Text(23);
  if (with_result) {
    run.streams_result = StoredJsonOrNull(row.OptionalText(24));
    if (run.streams_result.is_null()) run.streams_result = Json::array();
  }
  return run;
}

}  // namespace sluice::serve
