#include "cli/progress_log.h"

#include <fmt/format.h>

#include "cli/units.h"

namespace sluice::cli {
namespace {

constexpr std::chrono::seconds kBetweenLines{10};

// Short steps in between are not worth a line each.
bool IsTold(sync::Phase phase) {
  return phase == sync::Phase::kUnload || phase == sync::Phase::kLoad ||
         phase == sync::Phase::kCommit || phase == sync::Phase::kDone ||
         phase == sync::Phase::kFailed;
}

}  // namespace

void ProgressLog::OnProgress(const sync::Progress& progress) {
  const auto now = clock_.Steady();
  const std::lock_guard lock(mu_);
  model_.Apply(progress, now);
  Told& told = told_[progress.stream];
  const bool changed = told.phase != progress.phase;
  if (changed ? !IsTold(progress.phase)
              : (progress.phase != sync::Phase::kLoad || now - told.at < kBetweenLines)) {
    return;
  }
  told = {.phase = progress.phase, .at = now};
  // Not at a phase's first line: what few bytes came before tell no rate.
  const ProgressModel::Row* row = changed ? nullptr : model_.Find(progress.stream);
  const auto rate = row != nullptr ? BytesPerSecond(*row, now) : std::nullopt;
  const std::string rows = fmt::format("{}", progress.rows_loaded);
  const std::string bytes = fmt::format("{}", progress.bytes_fetched);
  if (changed && progress.rows_loaded == 0 && progress.bytes_fetched == 0) {
    log_.Info(Doing(progress.phase), {{"stream", progress.stream}});
  } else if (rate) {
    log_.Info(
        Doing(progress.phase),
        {{"stream", progress.stream}, {"rows", rows}, {"bytes", bytes}, {"rate", Rate(*rate)}});
  } else {
    log_.Info(Doing(progress.phase),
              {{"stream", progress.stream}, {"rows", rows}, {"bytes", bytes}});
  }
}

}  // namespace sluice::cli
