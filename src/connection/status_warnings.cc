#include "connection/status_warnings.h"

#include "redshift/cursor.h"

namespace sluice::connection {
namespace {

// A clock that differs a little is no sign of anything.
constexpr std::chrono::minutes kClocksDiffer{10};

}  // namespace

std::vector<std::string> StatusWarnings(const sync::History& history, const model::Stream& stream,
                                        base::UtcTime now) {
  if (stream.sync_mode != model::SyncMode::kIncremental || !stream.cursor_ahead_max ||
      history.resets.contains(stream.name)) {
    return {};
  }
  for (const auto& commit : history.last_commits) {
    if (commit.stream != stream.name || !commit.watermark) continue;
    const auto latest = now + *stream.cursor_ahead_max + kClocksDiffer;
    if (redshift::LiesAfter(*commit.watermark, latest)) {
      return {redshift::FutureWatermarkWarning(stream)};
    }
  }
  return {};
}

}  // namespace sluice::connection
