#include "sync/base/transfer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::sync {
namespace {

using std::chrono::milliseconds;

}  // namespace

WorkFolder::WorkFolder(std::filesystem::path path) : path_(std::move(path)) {
  // Parts hold rows: no other user may read them.
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

Transfers::Transfers(aws::ObjectStore& store, base::ByteBudget& disk, std::filesystem::path folder,
                     std::uint64_t range_bytes, std::function<void(std::uint64_t)> on_bytes)
    : store_(store),
      disk_(disk),
      folder_(std::move(folder)),
      range_bytes_(range_bytes),
      on_bytes_(std::move(on_bytes)) {}

std::unique_ptr<Transfer> Transfers::Make(const std::string& prefix) {
  return std::make_unique<Transfer>(store_, disk_, folder_.path() / fmt::format("{:04}", made_++),
                                    range_bytes_, prefix, on_bytes_);
}

}  // namespace sluice::sync
