#include "sync/estimate.h"

#include <algorithm>
#include <cmath>

#include "redshift/activity.h"

namespace sluice::sync {
namespace {

// Shares are added up as fractions and rounded once: ten streams of a run with ten come to its
// whole.
struct Shares {
  double billed_ms = 0;
  double put = 0;
  double get = 0;
  double free = 0;
  double moved = 0;
  std::uint64_t staged = 0;
};

void AddShares(Shares& shares, const CostRecord& record) {
  const double of = static_cast<double>(std::max<std::uint64_t>(record.streams, 1));
  const auto share = [&](std::uint64_t whole) { return static_cast<double>(whole) / of; };
  shares.billed_ms += static_cast<double>(record.cost.billed.count()) / of;
  shares.put += share(record.cost.s3.put);
  shares.get += share(record.cost.s3.get);
  shares.free += share(record.cost.s3.free);
  shares.moved += share(record.cost.bytes_moved);
  shares.staged += record.bytes;
}

std::uint64_t Rounded(double number) { return static_cast<std::uint64_t>(std::llround(number)); }

}  // namespace

RunEstimate Estimate(const std::vector<model::Stream>& streams, const History& history,
                     std::optional<double> rpu_price) {
  RunEstimate estimate;
  Shares shares;
  for (const auto& stream : streams) {
    const auto known =
        std::find_if(history.last_costs.begin(), history.last_costs.end(),
                     [&](const CostRecord& record) { return record.stream == stream.name; });
    if (known == history.last_costs.end()) {
      estimate.unknown.push_back(stream.name);
      continue;
    }
    AddShares(shares, *known);
    if (known->cost.rpus) estimate.cost.rpus = known->cost.rpus;
  }
  if (streams.empty()) return estimate;
  estimate.cost.wake_ups = 1;
  estimate.cost.billed = std::max(std::chrono::milliseconds(Rounded(shares.billed_ms)),
                                  std::chrono::milliseconds(redshift::Activity::kMinimum));
  estimate.cost.s3 = {
      .put = Rounded(shares.put), .get = Rounded(shares.get), .free = Rounded(shares.free)};
  estimate.cost.bytes_staged = shares.staged;
  estimate.cost.bytes_moved = Rounded(shares.moved);
  estimate.cost.rpu_price = rpu_price;
  model::Price(estimate.cost);
  return estimate;
}

}  // namespace sluice::sync
