#include "sync/run_usage.h"

namespace sluice::sync {
namespace {

// It makes nothing but a number: not worth waiting for.
constexpr std::chrono::seconds kPatience{10};

}  // namespace

void RunUsage::ReadEnded(const std::string& stream, redshift::Session* session) noexcept {
  {
    const std::lock_guard lock(mu_);
    if (!ended_.insert(stream).second || ended_.size() < streams_) return;
  }
  if (session == nullptr || !options_.ask_usage) return;
  if (parts_.activity == nullptr || !parts_.activity->IsAwake()) return;
  try {
    Ask(*session);
  } catch (const std::exception& error) {
    parts_.log.Debug("the workgroup did not tell its costs", {{"reason", error.what()}});
  }
}

void RunUsage::Ask(redshift::Session& session) {
  auto answer = redshift::AskUsage(
      session, began_, {.deadline = base::Deadline::After(parts_.clock, kPatience), .stop = {}});
  const std::lock_guard lock(mu_);
  answer_ = std::move(answer);
}

std::optional<model::RunCost> RunUsage::Cost(const std::vector<StreamResult>& streams) const {
  if (parts_.activity == nullptr || parts_.traffic == nullptr) return std::nullopt;
  const auto bill = parts_.activity->So();
  model::RunCost cost{.wake_ups = bill.wake_ups,
                      .billed = bill.billed,
                      .rpu_price = options_.rpu_price,
                      .s3 = parts_.traffic->requests(),
                      .bytes_moved = parts_.traffic->bytes_moved()};
  for (const auto& stream : streams) cost.bytes_staged += stream.bytes_staged;
  const std::lock_guard lock(mu_);
  if (answer_) {
    cost.rpus = answer_->rpus;
    cost.workgroup_rpu_seconds = answer_->charged_rpu_seconds;
  }
  model::Price(cost);
  return cost;
}

}  // namespace sluice::sync
