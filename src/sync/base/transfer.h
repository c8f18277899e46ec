// The parts of one UNLOAD on their way to local disk: begun by the half that reads, ended by the
// half that loads.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/s3/object_store.h"
#include "base/byte_budget.h"
#include "base/clock.h"
#include "staging/fetch.h"
#include "staging/manifest.h"

namespace sluice::sync {

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

// Makes the transfers of one attempt, each with a folder of its own within the attempt's. One
// thread at a time. REQUIRES: all that it is given outlives it, and it the transfers.
class Transfers {
 public:
  // Throws as WorkFolder. `on_bytes`: as staging::Fetch.
  Transfers(aws::ObjectStore& store, base::ByteBudget& disk, std::filesystem::path folder,
            std::uint64_t range_bytes, std::function<void(std::uint64_t)> on_bytes);
  std::unique_ptr<Transfer> Make(const std::string& prefix);

 private:
  aws::ObjectStore& store_;
  base::ByteBudget& disk_;
  const WorkFolder folder_;
  const std::uint64_t range_bytes_;
  const std::function<void(std::uint64_t)> on_bytes_;
  std::size_t made_ = 0;
};

}  // namespace sluice::sync
