// What the attempts of a run share.
#pragma once
#include <mutex>
#include <set>
#include <string>

#include "base/byte_budget.h"
#include "sync/ledger.h"
#include "sync/run.h"

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

// REQUIRES: all outlive the attempts.
struct RunContext {
  const RunOptions& options;
  const RunParts& parts;
  Ledger& ledger;
  base::ByteBudget& disk;
  SparedPrefixes& spared;
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
};

}  // namespace sluice::sync
