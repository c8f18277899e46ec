#include "staging/clean.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <functional>
#include <iterator>
#include <utility>

#include "staging/prefix.h"

namespace sluice::staging {
namespace {

void Remember(CleanResult& result, base::ErrorInfo error) {
  if (!result.error) result.error = std::move(error);
}

void DeleteKeys(aws::ObjectStore& store, std::string_view bucket,
                const std::vector<std::string>& keys, const base::Call& call, CleanResult& result) {
  if (keys.empty()) return;
  const auto failures = store.Delete(keys, call);
  result.objects_deleted += keys.size() - failures.size();
  for (const auto& failure : failures) {
    result.left_behind.push_back(fmt::format("s3://{}/{}", bucket, failure.key));
  }
  if (!failures.empty()) {
    Remember(result, {.code = base::ErrorCode::kPermission,
                      .operation = "delete staged objects",
                      .subject = fmt::format("s3://{}/{}", bucket, failures.front().key),
                      .message = fmt::format("S3 refused {} of {}: {}", failures.size(),
                                             keys.size(), failures.front().code),
                      .remedy = "Allow s3:DeleteObject on the staging root for the role or keys "
                                "of `auth`; the next sync then removes what is left."});
  }
}

// Lists, picks what `wanted` says, deletes and aborts it. Errors go into the result.
void Remove(
    aws::ObjectStore& store, std::string_view bucket, std::string_view prefix,
    const std::function<bool(const std::string& key, const aws::ObjectInfo* object)>& wanted,
    const base::Call& call, CleanResult& result) {
  try {
    std::vector<std::string> keys;
    const auto objects = store.List(prefix, call);
    result.listed = true;
    for (const auto& object : objects) {
      if (wanted(object.key, &object)) keys.push_back(object.key);
    }
    DeleteKeys(store, bucket, keys, call, result);
    for (const auto& upload : store.ListUploads(prefix, call)) {
      if (!wanted(upload.key, nullptr)) continue;
      store.AbortUpload(upload, call);
      ++result.uploads_aborted;
    }
  } catch (const base::Error& error) {
    result.left_behind.push_back(fmt::format("s3://{}/{}", bucket, prefix));
    Remember(result, error.info());
  }
}

bool IsBeneath(const std::set<std::string>& prefixes, const std::string& key) {
  // The greatest prefix that is not above the key is the only one that can be its own.
  const auto after = prefixes.upper_bound(key);
  return after != prefixes.begin() && key.starts_with(*std::prev(after));
}

void RequireBeneath(std::string_view own_root, std::string_view prefix) {
  if (!own_root.empty() && prefix.starts_with(own_root) && prefix.size() > own_root.size() &&
      prefix.back() == '/') {
    return;
  }
  throw base::Error({.code = base::ErrorCode::kInternal,
                     .operation = "clean staging prefix",
                     .subject = std::string(prefix),
                     .message = "the prefix is not a folder beneath our own root"});
}

}  // namespace

CleanResult CleanPrefix(aws::ObjectStore& store, std::string_view bucket, std::string_view own_root,
                        std::string_view prefix, const base::Call& call) {
  RequireBeneath(own_root, prefix);
  CleanResult result;
  Remove(
      store, bucket, prefix, [](const auto&, const auto*) { return true; }, call, result);
  return result;
}

CleanResult CleanPrefixes(aws::ObjectStore& store, std::string_view bucket,
                          std::string_view own_root, std::string_view common,
                          const std::set<std::string>& prefixes, const base::Call& call) {
  RequireBeneath(own_root, common);
  for (const auto& prefix : prefixes) RequireBeneath(common, prefix);
  CleanResult result;
  Remove(
      store, bucket, common,
      [&](const std::string& key, const auto*) { return IsBeneath(prefixes, key); }, call, result);
  // Remove names what it listed, not what was wanted of it.
  const std::string whole = fmt::format("s3://{}/{}", bucket, common);
  if (std::erase(result.left_behind, whole) > 0) {
    for (const auto& prefix : prefixes) {
      result.left_behind.push_back(fmt::format("s3://{}/{}", bucket, prefix));
    }
  }
  return result;
}

CleanResult Sweep(aws::ObjectStore& store, std::string_view bucket, const SweepOptions& options,
                  base::UtcTime now, const base::Call& call) {
  const auto is_dead = [&](const std::string& key, const aws::ObjectInfo* object) {
    const std::string run(RunOfKey(options.own_root, key));
    if (run == options.current_run || IsBeneath(options.spared, key)) return false;
    if (options.dead_runs.contains(run)) return true;
    const auto began = RunTime(run);
    if (!began) return false;
    // Named under a clock that was ahead: S3's own time tells of objects, nothing of uploads.
    const bool from_the_future = *began > now && object != nullptr;
    if (!from_the_future && now - *began < options.orphan_age) return false;
    // An UNLOAD that ran on after its run may have written just now: then that run is not over.
    return object == nullptr || now - object->last_modified >= options.orphan_age;
  };
  CleanResult result;
  Remove(store, bucket, options.own_root, is_dead, call, result);
  return result;
}

std::string MakeRunId(base::UtcTime now, std::uint64_t random) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:016x}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), random);
}

std::optional<base::UtcTime> RunTime(std::string_view run) {
  std::tm parts{};
  const std::string text(run);
  const char* end = strptime(text.c_str(), "%Y%m%dT%H%M%SZ-", &parts);
  if (end == nullptr || text.c_str() + text.size() - end != 16) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace sluice::staging
