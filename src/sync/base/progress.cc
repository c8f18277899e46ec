#include "sync/base/progress.h"

namespace sluice::sync {

void Observer::OnRunBegan(const std::string& /*run*/, const std::vector<std::string>& /*streams*/) {
}
void Observer::OnStreamEnded(const StreamResult& /*result*/) {}

std::string_view ToString(Phase phase) {
  switch (phase) {
    case Phase::kWaiting: return "waiting";
    case Phase::kPlan: return "plan";
    case Phase::kLogin: return "login";
    case Phase::kUnload: return "unload";
    case Phase::kLoad: return "load";
    case Phase::kCommit: return "commit";
    case Phase::kClean: return "clean";
    case Phase::kDone: return "done";
    case Phase::kFailed: return "failed";
  }
  return "waiting";
}

}  // namespace sluice::sync
