// `sluice clean`: what dead runs left in the bucket, removed without a sync.
#pragma once
#include <filesystem>
#include <stop_token>
#include <string>

#include "aws/s3/object_store.h"
#include "base/clock.h"
#include "staging/clean.h"

namespace sluice::sync {

struct CleanUpOptions {
  std::string connection;
  std::string bucket;
  std::string root;
  std::filesystem::path ledger;
  // Also what no ledger knows, however young: another machine's sync may be writing it.
  bool everything = false;
};

// Holds the ledger meanwhile, so no sync of this machine runs. Errors: those of Ledger; what the
// bucket refuses is in the result.
staging::CleanResult CleanUp(const CleanUpOptions& options, aws::ObjectStore& store,
                             const base::Clock& clock, std::stop_token stop);

}  // namespace sluice::sync
