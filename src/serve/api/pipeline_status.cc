#include "serve/api/pipeline_status.h"

#include <set>

namespace sluice::serve {

PipelineStatus::PipelineStatus(const ApiContext& context, const std::string& tenant) {
  std::set<std::string> late;
  const Json overview = Json::parse(context.runs.Overview(tenant));
  for (const Json& one : overview.at("tenants")) {
    for (const Json& entry : one.at("late")) late.insert(entry.at("pipeline").get<std::string>());
  }
  for (const Standing& standing : context.store.Standings(tenant, RunDetail::kCounts)) {
    const bool planned = standing.schedule && !standing.schedule->paused;
    by_id_[standing.pipeline] = {
        {"last_run", standing.last_run ? ToJson(*standing.last_run) : Json()},
        {"last_success_at", TimeJson(standing.last_success_at)},
        {"next_run_at", planned ? TimeJson(standing.next_at) : Json()},
        {"late", late.contains(standing.pipeline)}};
  }
}

Json PipelineStatus::Of(const std::string& pipeline) const {
  const auto found = by_id_.find(pipeline);
  if (found != by_id_.end()) return found->second;
  return {{"last_run", nullptr},
          {"last_success_at", nullptr},
          {"next_run_at", nullptr},
          {"late", false}};
}

}  // namespace sluice::serve
