#include "serve/runs/schedules.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sluice::serve {
namespace {

// More than tenants have schedules of; else something is wrong, and memory should not pay for it.
constexpr std::size_t kKnownMax = 10'000;

std::optional<schedule::CronIn> Read(const Schedule& schedule) {
  auto cron = schedule::Cron::Parse(schedule.cron);
  const auto zone = schedule::LoadTimeZone(schedule.time_zone);
  if (!zone || !std::holds_alternative<schedule::Cron>(cron)) return std::nullopt;
  return schedule::CronIn{.cron = std::get<schedule::Cron>(std::move(cron)), .zone = *zone};
}

// FNV-1a: the same on every machine and in every version, as std::hash is not.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211U;
  }
  return hash;
}

std::chrono::seconds JitterOf(std::string_view pipeline, schedule::Seconds at,
                              std::chrono::seconds widest) {
  if (widest.count() <= 0) return std::chrono::seconds(0);
  const std::string what =
      std::string(pipeline) + ' ' + std::to_string(at.time_since_epoch().count());
  const auto width = static_cast<std::uint64_t>(widest.count()) + 1;
  return std::chrono::seconds(static_cast<std::int64_t>(Hash(what) % width));
}

}  // namespace

const schedule::CronIn* Planner::Find(const Schedule& schedule) {
  if (known_.size() > kKnownMax) known_.clear();
  const auto [known, is_new] = known_.try_emplace({schedule.cron, schedule.time_zone});
  if (is_new) known->second = Read(schedule);
  return known->second ? &*known->second : nullptr;
}

std::optional<base::UtcTime> Planner::Next(std::string_view pipeline, const Schedule& schedule,
                                           base::UtcTime after) {
  const schedule::CronIn* const cron = schedule.paused ? nullptr : Find(schedule);
  if (cron == nullptr) return std::nullopt;
  const auto now = std::chrono::floor<std::chrono::seconds>(after);
  // What the cron said before may still be ahead of us by its jitter.
  auto at = cron->cron.Next(now - std::max(schedule.jitter, std::chrono::seconds(0)), cron->zone);
  for (;;) {
    const auto due = at + JitterOf(pipeline, at, schedule.jitter);
    if (due > now) return due;
    at = cron->cron.Next(at, cron->zone);
  }
}

PlanStep StepOf(const std::optional<base::UtcTime>& planned,
                const std::optional<base::UtcTime>& next, const std::optional<base::UtcTime>& then,
                base::UtcTime now) {
  if (!next) return PlanStep::kWait;
  if (!planned) return PlanStep::kPlan;
  if (*planned <= now) return PlanStep::kRun;
  if (*planned <= *next) return PlanStep::kWait;
  return then && *next - now < (*then - *next) / 2 ? PlanStep::kWait : PlanStep::kPlan;
}

}  // namespace sluice::serve
