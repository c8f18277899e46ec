#include "contract/exit_code.h"

#include <algorithm>

namespace sluice::contract {

int ExitCodeOf(const base::ErrorInfo& error) {
  if (error.code == base::ErrorCode::kInvalidConfig) return kBadUse;
  return error.code == base::ErrorCode::kCancelled ? kInterrupted : kFailed;
}

int ExitCodeOf(const sync::RunResult& result) {
  if (result.interrupted) return kInterrupted;
  const auto failed = static_cast<std::size_t>(
      std::count_if(result.streams.begin(), result.streams.end(),
                    [](const sync::StreamResult& stream) { return stream.error.has_value(); }));
  if (failed == 0) return kDone;
  return failed == result.streams.size() ? kFailed : kSomeFailed;
}

int ExitCodeOf(const std::vector<sync::Planned>& plans) {
  const auto failed = static_cast<std::size_t>(std::count_if(
      plans.begin(), plans.end(), [](const auto& planned) { return planned.error.has_value(); }));
  if (failed == 0) return kDone;
  return failed == plans.size() ? ExitCodeOf(*plans.front().error) : kSomeFailed;
}

int ExitCodeOf(const check::Findings& findings) {
  if (findings.interrupted) return kInterrupted;
  return findings.Count(check::Severity::kFailure) == 0 ? kDone : kFailed;
}

}  // namespace sluice::contract
