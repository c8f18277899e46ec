#include "sync/staged.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::sync {
namespace {

using std::chrono::milliseconds;

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

WorkFolder::WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
  // Parts hold rows: nobody else may look.
  std::error_code failed;
  std::filesystem::create_directories(path_.parent_path(), failed);
  if (!failed && mkdir(path_.c_str(), 0700) != 0) failed.assign(errno, std::generic_category());
  if (!failed) return;
  const bool full = failed == std::errc::no_space_on_device;
  throw base::Error(
      {.code = full ? base::ErrorCode::kNoSpace : base::ErrorCode::kPermission,
       .operation = "make folder for parts",
       .subject = "folder " + path_.string(),
       .message = failed.message(),
       .remedy = "Set limits.work_dir to a folder that is writable and has room for parts."});
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Transfer::Transfer(aws::ObjectStore& store, base::ByteBudget& disk, std::filesystem::path folder,
                   std::uint64_t range_bytes, std::string prefix,
                   std::function<void(std::uint64_t)> on_bytes)
    : store_(store),
      prefix_(std::move(prefix)),
      work_(std::move(folder)),
      fetch_(store, disk, {.dir = work_.path(), .range_bytes = range_bytes}, std::move(on_bytes)) {}

void Transfer::PrefetchUntil(const std::stop_token& stop, const base::Clock& clock,
                             const std::function<void(const base::Error&)>& on_failure) {
  milliseconds pause{250};
  while (clock.Sleep(pause, stop)) {
    try {
      fetch_.Prefetch(store_.List(
          prefix_,
          {.deadline = base::Deadline::After(clock, std::chrono::seconds(30)), .stop = stop}));
    } catch (const base::Error& error) {
      on_failure(error);
    }
    pause = std::min(pause * 2, milliseconds{2000});
  }
}

void Transfer::Expect(const staging::Manifest& manifest, const base::Call& call) {
  fetch_.Expect(manifest, store_.List(prefix_, call));
}

}  // namespace sluice::sync
