#include "sync/elsewhere.h"

#include <iterator>

namespace sluice::sync {
namespace {

// "sluice/acme-prod/<run>/" of "sluice/acme-prod/<run>/t/a/"; empty if the run's id is not in it.
std::string RunPrefixOf(const AttemptFacts& attempt) {
  if (!staging::RunTime(attempt.run)) return {};
  const std::string folder = "/" + attempt.run + "/";
  const auto at = attempt.prefix.find(folder);
  if (at == std::string::npos || at == 0) return {};
  return attempt.prefix.substr(0, at + folder.size());
}

void Add(staging::CleanResult& all, staging::CleanResult one) {
  all.objects_deleted += one.objects_deleted;
  all.uploads_aborted += one.uploads_aborted;
  std::move(one.left_behind.begin(), one.left_behind.end(), std::back_inserter(all.left_behind));
  if (!all.error) all.error = std::move(one.error);
}

}  // namespace

RunsElsewhere FindElsewhere(const std::vector<AttemptFacts>& dead, std::string_view own_root) {
  RunsElsewhere elsewhere;
  for (const auto& attempt : dead) {
    if (attempt.prefix.starts_with(own_root)) continue;
    std::string prefix = RunPrefixOf(attempt);
    if (!prefix.empty()) elsewhere[attempt.run].insert(std::move(prefix));
  }
  return elsewhere;
}

staging::CleanResult CleanElsewhere(aws::ObjectStore& store, std::string_view bucket,
                                    const RunsElsewhere& elsewhere, std::set<std::string>& runs,
                                    const base::Call& call) noexcept {
  staging::CleanResult all{.listed = true};
  for (const auto& [run, prefixes] : elsewhere) {
    for (const auto& prefix : prefixes) {
      // The root that it was written beneath is all in front of the run's id.
      const std::string root = prefix.substr(0, prefix.size() - run.size() - 1);
      auto cleaned = staging::CleanPrefix(store, bucket, root, prefix, call);
      if (!cleaned.left_behind.empty()) runs.erase(run);
      Add(all, std::move(cleaned));
    }
  }
  return all;
}

}  // namespace sluice::sync
