// What one UNLOAD left in the bucket, and its way to local disk.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/object_store.h"
#include "base/byte_budget.h"
#include "staging/fetch.h"
#include "staging/manifest.h"
#include "sync/ledger.h"
#include "sync/reading.h"

namespace sluice::sync {

// An UNLOAD that has ended, as its notice and its manifest tell.
struct Unloaded {
  UnloadStep step;
  std::string prefix;  // ends in '/'
  std::optional<std::uint64_t> notice_rows;
  std::optional<staging::Manifest> manifest;  // nullopt: no rows
};

// The manifest beneath `prefix`; nullopt if there is none. Throws kCorrupt, and as ObjectStore.
std::optional<staging::Manifest> ReadManifest(aws::ObjectStore& store, std::string_view bucket,
                                              std::string_view prefix, const base::Call& call);

// What a dead attempt's UNLOAD left, if it is whole: its manifest is there and agrees with the
// notice that the ledger may hold, and the bucket has every part in its size; or the notice said
// that there were no rows. Throws as ObjectStore, never kCorrupt: that is just not whole.
std::optional<Unloaded> FindEnded(aws::ObjectStore& store, std::string_view bucket,
                                  std::string_view prefix, const UnloadRecord& record,
                                  const UnloadStep& step, const base::Call& call);

// A folder on local disk, gone with it.
class WorkFolder {
 public:
  // Throws kNoSpace, kPermission.
  explicit WorkFolder(std::filesystem::path path);
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

// The parts beneath one prefix on their way to a folder of their own. REQUIRES: all that it is
// given outlives it. Threads as staging::Fetch.
class Transfer {
 public:
  Transfer(aws::ObjectStore& store, base::ByteBudget& disk, std::filesystem::path folder,
           std::uint64_t range_bytes, std::string prefix,
           std::function<void(std::uint64_t)> on_bytes);

  // While UNLOAD runs. What is listed is whole; LIST is cheap beside the seconds an UNLOAD takes.
  // A failure here costs nothing but speed: the same parts are fetched, and errors told, once
  // UNLOAD has ended. `on_failure` hears of it.
  void PrefetchUntil(const std::stop_token& stop, const base::Clock& clock,
                     const std::function<void(const base::Error&)>& on_failure);
  // As those of staging::Fetch; Expect lists the bucket itself.
  void Expect(const staging::Manifest& manifest, const base::Call& call);
  std::vector<model::LocalPart> Next(const base::Call& call, const base::Clock& clock) {
    return fetch_.Next(call, clock);
  }
  void Release(std::span<const model::LocalPart> parts) { fetch_.Release(parts); }
  std::uint64_t bytes_complete() const { return fetch_.bytes_complete(); }
  const std::map<std::string, std::uint64_t>& verified() const { return fetch_.verified(); }
  std::uint64_t refetched() const { return fetch_.refetched(); }

 private:
  aws::ObjectStore& store_;
  const std::string prefix_;
  const WorkFolder work_;
  staging::Fetch fetch_;
};

}  // namespace sluice::sync
