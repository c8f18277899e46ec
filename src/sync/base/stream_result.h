// What a sync of one stream came to, filled in by each step as it ends.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::sync {

struct StreamResult {
  std::string stream;
  model::TableName target;
  std::optional<base::ErrorInfo> error;  // nullopt: committed
  model::Proof proof;
  model::Counts counts;
  std::optional<std::string> watermark;        // committed; incremental only
  std::optional<std::uint64_t> keys_compared;  // rows of the key scan, if there was one
  std::uint64_t bytes = 0;                     // of all parts
  std::uint64_t bytes_staged = 0;              // that its UNLOADs wrote, at all attempts
  // How many parts were verified by what, as staging::Fetch::verified; "copied": S3 copied them.
  std::map<std::string, std::uint64_t> verified;
  std::chrono::milliseconds duration{0};
  std::chrono::milliseconds unload_duration{0};
  int attempts = 0;  // times it was tried, the last included
  // The rows, or some of them, are from an UNLOAD that an earlier attempt had sent: then.
  std::optional<base::UtcTime> adopted_from;
  // Prefixes whose objects stay on purpose: the next sync may load them instead of reading again.
  std::vector<std::string> kept;
  // Keys or prefixes that are still in the bucket although they should not be; empty if clean.
  std::vector<std::string> left_behind;
  // Parts of this run that could not be removed, unusual counts and the like; sentences.
  std::vector<std::string> warnings;

  // An attempt that is made again meets the same.
  void WarnOnce(std::string warning);
};

}  // namespace sluice::sync
