// What the reads of a run share.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "aws/s3/object_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "sync/base/effect.h"
#include "sync/base/run_options.h"
#include "sync/ledger/ledger.h"
#include "sync/read/unload_auth.h"

namespace sluice::sync {

// REQUIRES: all outlive the reads and are thread-safe.
struct ReadContext {
  const RunOptions& options;
  const base::Clock& clock;
  base::Logger& log;
  aws::ObjectStore& store;
  Ledger& ledger;
  RunUnloadAuth& unload_auth;
  std::string run;       // id
  std::string own_root;  // "sluice/acme/"
  // As RunParts::after_effect.
  std::function<void(Effect, std::string_view stream)> after_effect = {};

  void Reached(Effect effect, const std::string& stream) const {
    if (after_effect) after_effect(effect, stream);
  }
  // Of "s3://bucket/prefix".
  std::string Location(const std::string& prefix) const {
    return "s3://" + options.bucket + "/" + prefix;
  }
};

}  // namespace sluice::sync
