#include "sync/load/settle.h"

#include "base/random.h"
#include "base/retry.h"

namespace sluice::sync {
namespace {

// Asks until there is an answer. Whatever keeps it from answering, asking is harmless.
std::optional<destinations::Committed> Ask(destinations::Destination& destination,
                                           const base::Clock& clock, const std::string& stream,
                                           const std::stop_token& stop) {
  const auto deadline = base::Deadline::After(clock, kSettlePatience);
  base::Retry retry(clock,
                    {.attempts_max = 1000,
                     .backoff_first = std::chrono::milliseconds(200),
                     .backoff_max = std::chrono::milliseconds(5000)},
                    base::RandomBits());
  return retry.Run({.deadline = deadline, .stop = stop}, [&] {
    try {
      return destination.ReadCommitted(stream, {.deadline = deadline, .stop = {}});
    } catch (const base::Error& error) {
      base::ErrorInfo info = error.info();
      info.retryable = true;
      info.in_doubt = false;
      throw base::Error(std::move(info));
    }
  });
}

}  // namespace

model::Counts SettleCommit(destinations::Destination& destination, const base::Clock& clock,
                           const model::Watermark& watermark, const base::Error& error,
                           const std::stop_token& stop, bool& in_doubt) {
  base::ErrorInfo info = error.info();
  std::optional<destinations::Committed> there;
  try {
    there = Ask(destination, clock, watermark.stream, stop);
  } catch (const base::Error& unanswered) {
    in_doubt = true;
    info.in_doubt = true;
    info.cause = unanswered.what();
    info.remedy =
        "The rows may be at the destination or not: it could not be asked. Nothing was removed. "
        "Once the destination can be reached, run the sync again: it asks first, and repeats "
        "nothing that is there. " +
        info.remedy;
    throw base::Error(std::move(info));
  }
  if (there && there->watermark.run == watermark.run &&
      there->watermark.attempt == watermark.attempt) {
    return there->counts;
  }
  info.in_doubt = false;
  throw base::Error(std::move(info));
}

}  // namespace sluice::sync
