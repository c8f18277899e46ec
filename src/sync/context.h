// What the attempts of a run share.
#pragma once
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_budget.h"
#include "sync/ledger/ledger.h"
#include "sync/read/context.h"
#include "sync/read/unload_auth.h"
#include "sync/run.h"
#include "sync/run_catalog.h"
#include "sync/run_usage.h"

namespace sluice::sync {

// Prefixes of dead attempts that no sweep may touch, as they may yet be loaded. Thread-safe.
class SparedPrefixes {
 public:
  void Add(const std::string& prefix) {
    const std::lock_guard lock(mu_);
    prefixes_.insert(prefix);
  }
  void Remove(const std::string& prefix) {
    const std::lock_guard lock(mu_);
    prefixes_.erase(prefix);
  }
  std::set<std::string> All() const {
    const std::lock_guard lock(mu_);
    return prefixes_;
  }

 private:
  mutable std::mutex mu_;
  std::set<std::string> prefixes_;  // guarded by mu_
};

// Committed attempts that left little in the bucket: it is removed for all of them together at the
// end of the run, as three requests for each cost more than their rows. Thread-safe.
class LateCleaning {
 public:
  struct Item {
    std::string stream;
    std::string attempt;
    std::string prefix;
  };
  // False if there is too much of it already, or too large: clean at once.
  bool Add(Item item, std::uint64_t bytes);
  std::vector<Item> Take() {
    const std::lock_guard lock(mu_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mu_;
  std::vector<Item> items_;  // guarded by mu_
};

// REQUIRES: all outlive the attempts.
struct RunContext {
  const RunOptions& options;
  const RunParts& parts;
  Ledger& ledger;
  base::ByteBudget& disk;
  SparedPrefixes& spared;
  RunUnloadAuth& unload_auth;
  RunCatalog& catalog;
  LateCleaning& late;
  RunUsage& usage;
  std::string run;         // id
  std::string own_root;    // "sluice/acme/"
  std::string run_prefix;  // "sluice/acme/<run>/"

  void Reached(Effect effect, const std::string& stream) const {
    if (parts.after_effect) parts.after_effect(effect, stream);
  }
  // Of "s3://bucket/prefix".
  std::string Location(const std::string& prefix) const {
    return "s3://" + options.bucket + "/" + prefix;
  }
  // What the half that reads may know of it: no destination.
  ReadContext ForReading() const {
    return {.options = options,
            .clock = parts.clock,
            .log = parts.log,
            .store = parts.store,
            .ledger = ledger,
            .unload_auth = unload_auth,
            .run = run,
            .own_root = own_root,
            .after_effect = parts.after_effect};
  }
};

}  // namespace sluice::sync
