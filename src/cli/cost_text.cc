#include "cli/cost_text.h"

#include <fmt/format.h>

#include "cli/units.h"

namespace sluice::cli {
namespace {

std::string Rpus(const model::RunCost& cost) {
  if (!cost.rpu_seconds) return {};
  const std::string amount = cost.amount ? fmt::format(": {:.4f}", *cost.amount) : "";
  return fmt::format(" ({:.0f} RPU-seconds{})", *cost.rpu_seconds, amount);
}

}  // namespace

std::string CostText(const model::RunCost& cost) {
  const auto& s3 = cost.s3;
  return fmt::format("{}, {} s billed{}, {} to S3 ({} PUT or LIST, {} GET), {} staged, {} moved",
                     Count(cost.wake_ups, "wake-up"), Seconds(cost.billed), Rpus(cost),
                     Count(s3.put + s3.get + s3.free, "request"), Grouped(s3.put), Grouped(s3.get),
                     Bytes(cost.bytes_staged), Bytes(cost.bytes_moved));
}

}  // namespace sluice::cli
