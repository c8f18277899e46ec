#include "sync/leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "staging/clean.h"

namespace sluice::sync {
namespace {

constexpr std::chrono::seconds kCleanPatience{120};

base::Call CleanCall(const RunContext& context) {
  return {.deadline = base::Deadline::After(context.parts.clock, kCleanPatience), .stop = {}};
}

}  // namespace

bool CleanNow(const RunContext& context, const std::string& prefix, StreamResult& result) {
  auto cleaned = staging::CleanPrefix(context.parts.store, context.options.bucket, context.own_root,
                                      prefix, CleanCall(context));
  if (cleaned.error) {
    result.warnings.push_back(fmt::format("staged objects could not all be removed: {} {}",
                                          cleaned.error->message, cleaned.error->remedy));
  }
  const bool clean = cleaned.left_behind.empty();
  for (auto& key : cleaned.left_behind) result.left_behind.push_back(std::move(key));
  return clean;
}

void CleanLate(const RunContext& context, std::vector<StreamResult>& results) noexcept {
  const auto items = context.late.Take();
  if (items.empty()) return;
  const auto result_of = [&](const std::string& stream) -> StreamResult& {
    return *std::find_if(results.begin(), results.end(),
                         [&](const StreamResult& result) { return result.stream == stream; });
  };
  try {
    std::set<std::string> prefixes;
    for (const auto& item : items) prefixes.insert(item.prefix);
    const auto cleaned =
        staging::CleanPrefixes(context.parts.store, context.options.bucket, context.own_root,
                               context.run_prefix, prefixes, CleanCall(context));
    for (const auto& item : items) {
      StreamResult& result = result_of(item.stream);
      const std::size_t before = result.left_behind.size();
      for (const auto& left : cleaned.left_behind) {
        if (left.starts_with(context.Location(item.prefix))) result.left_behind.push_back(left);
      }
      if (result.left_behind.size() > before) {
        result.warnings.push_back(fmt::format("staged objects could not all be removed: {} {}",
                                              cleaned.error->message, cleaned.error->remedy));
        continue;
      }
      context.Reached(Effect::kCleaned, item.stream);
      context.ledger.SetCleaned(item.attempt);
    }
  } catch (const std::exception& error) {
    context.parts.log.Warning("what was committed could not all be cleaned up",
                              {{"reason", error.what()}});
  }
}

void Discard(const RunContext& context, const AttemptFacts& attempt, bool may_still_write,
             StreamResult& result) noexcept {
  try {
    const bool clean = CleanNow(context, attempt.prefix, result);
    context.spared.Remove(attempt.prefix);
    if (clean && !may_still_write) context.ledger.SetCleaned(attempt.attempt);
  } catch (const std::exception& error) {
    context.parts.log.Warning("clean-up after a failure failed",
                              {{"stream", attempt.stream}, {"reason", error.what()}});
    result.left_behind.push_back(context.Location(attempt.prefix));
  }
}

}  // namespace sluice::sync
