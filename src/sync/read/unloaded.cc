#include "sync/read/unloaded.h"

#include <algorithm>
#include <vector>

namespace sluice::sync {
namespace {

bool HoldsAll(const std::vector<aws::ObjectInfo>& listed, const staging::Manifest& manifest) {
  return std::all_of(manifest.parts.begin(), manifest.parts.end(), [&](const model::Part& part) {
    const auto found = std::lower_bound(
        listed.begin(), listed.end(), part.key,
        [](const aws::ObjectInfo& object, const std::string& key) { return object.key < key; });
    return found != listed.end() && found->key == part.key && found->bytes == part.bytes;
  });
}

}  // namespace

std::optional<staging::Manifest> ReadManifest(aws::ObjectStore& store, std::string_view bucket,
                                              std::string_view prefix, const base::Call& call) {
  const auto text = store.Get(std::string(prefix) + "manifest", staging::kManifestBytesMax, call);
  if (!text) return std::nullopt;
  return staging::ParseManifest(*text, bucket, prefix);
}

std::optional<Unloaded> FindEnded(aws::ObjectStore& store, std::string_view bucket,
                                  std::string_view prefix, const UnloadRecord& record,
                                  const UnloadStep& step, const base::Call& call) {
  Unloaded ended{.step = step,
                 .prefix = std::string(prefix),
                 .notice_rows = record.notice_rows,
                 .manifest = std::nullopt};
  if (record.notice_rows == 0U) return ended;
  try {
    ended.manifest = ReadManifest(store, bucket, prefix, call);
    if (!ended.manifest) return std::nullopt;
    staging::JudgeUnload(ended.notice_rows, &*ended.manifest);
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::kCorrupt) return std::nullopt;
    throw;
  }
  if (!HoldsAll(store.List(prefix, call), *ended.manifest)) return std::nullopt;
  return ended;
}

}  // namespace sluice::sync
