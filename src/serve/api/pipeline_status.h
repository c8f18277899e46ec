// How the pipelines of a tenant stand: last run, next run, late or not. For serve/api alone.
#pragma once
#include <map>
#include <string>

#include "serve/api/call.h"

namespace sluice::serve {

class PipelineStatus {
 public:
  PipelineStatus(const ApiContext& context, const std::string& tenant);
  // {last_run, last_success_at, next_run_at, late}
  Json Of(const std::string& pipeline) const;

 private:
  std::map<std::string, Json> by_id_;
};

}  // namespace sluice::serve
