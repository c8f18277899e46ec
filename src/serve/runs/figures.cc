#include "serve/runs/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "serve/runs/alert_text.h"

namespace sluice::serve {
namespace {

double InSeconds(base::UtcTime::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Of the text format: backslash, quote and line end.
// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string Label(std::string_view text) {
  std::string label = base::ReplaceAll(std::string(text), "\\", "\\\\");
  label = base::ReplaceAll(std::move(label), "\"", "\\\"");
  return base::ReplaceAll(std::move(label), "\n", "\\n");
}

class MetricsWriter {
 public:
  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  void Add(const Labels& labels, double value) {
    text_ += name_;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      text_ +=
          fmt::format("{}{}=\"{}\"", i == 0 ? "{" : ",", labels[i].first, Label(labels[i].second));
    }
    const bool whole = std::abs(value) < 9e15 && value == std::floor(value);
    text_ += fmt::format("{} {}\n", labels.empty() ? "" : "}",
                         whole ? fmt::format("{:.0f}", value) : fmt::format("{}", value));
  }
  std::string Text() && { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

void WriteCounters(MetricsWriter& out, const Counters::Snapshot& counters) {
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    out.Begin(name, "counter", help);
    for (const auto& [tenant, one] : counters.tenants) out.Add({{"tenant", tenant}}, value(one));
  };
  out.Begin("sluice_runs_total", "counter", "Runs that ended since this process began");
  for (const auto& [tenant, one] : counters.tenants) {
    for (const auto& [state, count] : one.runs) {
      out.Add({{"tenant", tenant}, {"state", state}}, static_cast<double>(count));
    }
  }
  using PerTenant = Counters::PerTenant;
  each("sluice_rows_total", "Rows committed",
       [](const PerTenant& one) { return static_cast<double>(one.rows); });
  each("sluice_bytes_total", "Bytes of the parts of streams that were committed",
       [](const PerTenant& one) { return static_cast<double>(one.bytes); });
  each("sluice_run_seconds_total", "Time that runs took",
       [](const PerTenant& one) { return one.seconds; });
  each("sluice_billed_seconds_total", "Time of the workgroup, as it is billed",
       [](const PerTenant& one) { return one.billed_seconds; });
  each("sluice_cost_amount_total", "Cost at the pipelines' rpu_price",
       [](const PerTenant& one) { return one.amount; });
  out.Begin("sluice_jobs_total", "counter", "Short jobs: tests, discoveries, previews, plans");
  for (const auto& [job, count] : counters.jobs) {
    out.Add({{"kind", job.first}, {"result", job.second ? "ok" : "failed"}},
            static_cast<double>(count));
  }
}

void WriteQueue(MetricsWriter& out, const State& state) {
  out.Begin("sluice_runs_queued", "gauge", "Runs that wait");
  out.Add({}, static_cast<double>(state.queue.size()));
  out.Begin("sluice_runs_running", "gauge", "Runs under way");
  out.Add({}, static_cast<double>(state.running.size()));
  out.Begin("sluice_queue_oldest_seconds", "gauge", "How long the oldest run has waited");
  out.Add({}, state.queue.empty()
                  ? 0
                  : std::max(0.0, InSeconds(state.now - state.queue.front().queued_at)));
}

void WritePipelines(MetricsWriter& out, const State& state, const Counters::Snapshot& counters) {
  out.Begin("sluice_pipeline_last_success_timestamp_seconds", "gauge",
            "When a run of the pipeline succeeded last");
  for (const Standing& one : state.standings) {
    if (!one.last_success_at) continue;
    out.Add({{"tenant", one.tenant}, {"pipeline", one.pipeline}, {"name", one.name}},
            std::floor(InSeconds(one.last_success_at->time_since_epoch())));
  }
  out.Begin("sluice_pipeline_late", "gauge", "1: a run was due and has not begun");
  for (const Standing& one : state.standings) {
    if (!one.schedule) continue;
    out.Add({{"tenant", one.tenant}, {"pipeline", one.pipeline}, {"name", one.name}},
            LateSince(one, state.now) ? 1 : 0);
  }
  std::set<std::string_view> there;
  for (const Standing& one : state.standings) there.insert(one.pipeline);
  out.Begin("sluice_stream_lag_seconds", "gauge",
            "Time since the run that committed the stream last ended");
  for (const auto& [key, at] : counters.streams) {
    const auto& [tenant, pipeline, stream] = key;
    if (there.count(pipeline) == 0) continue;
    out.Add({{"tenant", tenant}, {"pipeline", pipeline}, {"stream", stream}},
            std::round(std::max(0.0, InSeconds(state.now - at))));
  }
}

Json FailedOf(const Standing& standing) {
  const Run& run = *standing.last_ended;
  return {{"pipeline", standing.pipeline},
          {"name", standing.name},
          {"run", run.id},
          {"state", ToText(run.state)},
          {"ended_at", TimeJson(run.ended_at)},
          {"error", run.error.is_object() ? run.error : Json()}};
}

bool Failed(const Standing& standing) {
  if (!standing.last_ended) return false;
  const RunState state = standing.last_ended->state;
  return state == RunState::kFailed || state == RunState::kPartly;
}

RunSums SumOf(const std::vector<RunSums>& all, const std::string& tenant) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const RunSums& one) { return one.tenant == tenant; });
  return found == all.end() ? RunSums{} : *found;
}

Json TenantOverview(const Tenant& tenant, const State& state, const RunSums& day,
                    const RunSums& month) {
  const auto of_tenant = [&](const auto& one) { return one.tenant == tenant.id; };
  Json failed = Json::array();
  Json late = Json::array();
  int pipelines = 0;
  for (const Standing& one : state.standings) {
    if (one.tenant != tenant.id) continue;
    ++pipelines;
    if (Failed(one)) failed.push_back(FailedOf(one));
    if (const auto since = LateSince(one, state.now)) {
      late.push_back({{"pipeline", one.pipeline},
                      {"name", one.name},
                      {"due_at", TimeText(*since)},
                      {"seconds", std::floor(InSeconds(state.now - *since))}});
    }
  }
  Json json;
  json["tenant"] = tenant.id;
  json["name"] = tenant.name;
  json["pipelines"] = pipelines;
  json["running"] = std::count_if(state.running.begin(), state.running.end(), of_tenant);
  json["queued"] = std::count_if(state.queue.begin(), state.queue.end(), of_tenant);
  json["failed"] = std::move(failed);
  json["late"] = std::move(late);
  json["last_24h"] = {{"runs", day.runs},     {"succeeded", day.succeeded}, {"partly", day.partly},
                      {"failed", day.failed}, {"stopped", day.stopped},     {"rows", day.rows},
                      {"bytes", day.bytes}};
  json["cost_30d"] = {{"runs", month.runs},
                      {"billed_seconds", month.billed_seconds.value_or(0)},
                      {"rpu_seconds", OrNull(month.rpu_seconds)},
                      {"amount", OrNull(month.amount)}};
  return json;
}

}  // namespace

void Counters::RunEnded(const Run& run, const RunEnd& end, base::UtcTime at) {
  const std::lock_guard lock(mu_);
  PerTenant& tenant = all_.tenants[run.tenant];
  ++tenant.runs[std::string(ToText(end.state))];
  tenant.rows += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end.rows.value_or(0)));
  tenant.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(0, end.bytes.value_or(0)));
  if (run.started_at && at > *run.started_at) tenant.seconds += InSeconds(at - *run.started_at);
  tenant.billed_seconds += end.billed_seconds.value_or(0);
  tenant.amount += end.amount.value_or(0);
  if (!end.streams.is_array()) return;
  for (const Json& stream : end.streams) {
    if (stream.value("status", "") != "done") continue;
    all_.streams[{run.tenant, run.pipeline, stream.value("stream", "")}] = at;
  }
}

void Counters::KnowStreams(const Run& run) {
  if (!run.ended_at || !run.streams_result.is_array()) return;
  const std::lock_guard lock(mu_);
  for (const Json& stream : run.streams_result) {
    if (!stream.is_object() || stream.value("status", "") != "done") continue;
    all_.streams.try_emplace({run.tenant, run.pipeline, stream.value("stream", "")}, *run.ended_at);
  }
}

void Counters::JobEnded(std::string_view kind, bool ok) {
  const std::lock_guard lock(mu_);
  ++all_.jobs[{std::string(kind), ok}];
}

Counters::Snapshot Counters::Take() const {
  const std::lock_guard lock(mu_);
  return all_;
}

std::optional<base::UtcTime> LateSince(const Standing& standing, base::UtcTime now) {
  if (standing.schedule && standing.schedule->paused) return std::nullopt;
  const auto& run = standing.last_run;
  if (run && run->state == RunState::kQueued && run->trigger != Trigger::kManual &&
      run->queued_at + kLateAfter < now) {
    return run->queued_at;
  }
  return std::nullopt;
}

std::string MetricsText(const Counters::Snapshot& counters, const State& state,
                        const Alerts::Counts& alerts) {
  MetricsWriter out;
  out.Begin("sluice_build_info", "gauge", "The program");
  out.Add({{"version", SLUICE_VERSION}}, 1);
  WriteQueue(out, state);
  WriteCounters(out, counters);
  WritePipelines(out, state, counters);
  out.Begin("sluice_alert_messages_total", "counter", "Messages of alerts, by what became of them");
  out.Add({{"result", "delivered"}}, static_cast<double>(alerts.delivered));
  out.Add({{"result", "not_taken"}}, static_cast<double>(alerts.failed));
  out.Add({{"result", "given_up"}}, static_cast<double>(alerts.given_up));
  return std::move(out).Text();
}

std::string OverviewText(const std::vector<Tenant>& tenants, const State& state,
                         const std::vector<RunSums>& day, const std::vector<RunSums>& month) {
  Json json;
  json["tenants"] = Json::array();
  for (const Tenant& tenant : tenants) {
    json["tenants"].push_back(
        TenantOverview(tenant, state, SumOf(day, tenant.id), SumOf(month, tenant.id)));
  }
  Json oldest;
  if (!state.queue.empty()) {
    oldest = std::floor(std::max(0.0, InSeconds(state.now - state.queue.front().queued_at)));
  }
  json["queue"] = {{"running", state.running.size()},
                   {"queued", state.queue.size()},
                   {"oldest_seconds", oldest}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::serve
