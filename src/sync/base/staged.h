// What one half of a sync hands to the other: everything that was unloaded, proven by notice and
// manifest, and what a commit of it will say. Made by sync/read, used up by sync/load; it names
// neither the server that it is from nor the destination that it is for.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/part.h"
#include "model/stream.h"
#include "staging/manifest.h"
#include "sync/base/transfer.h"

namespace sluice::sync {

// One UNLOAD that has ended.
struct StagedUnload {
  std::string what;    // its folder beneath the attempt's prefix: "rows", "rows-0003", "keys"
  std::string prefix;  // ends in '/'
  bool keys = false;   // the keys of all rows, to be compared; else rows
  std::optional<std::uint64_t> notice_rows;   // as the server announced them
  std::optional<staging::Manifest> manifest;  // nullopt: no rows
  // The destination takes the parts from where they lie; they are not fetched.
  bool stays = false;
  // Begun while UNLOAD ran, the manifest told to it; nullptr: to be made when it is loaded.
  std::unique_ptr<Transfer> transfer;
};

struct Staged {
  model::StreamTarget target;
  // The commit at the destination that was the last when this was planned: "run/attempt"; "": none.
  std::string basis;
  model::Watermark watermark;  // that a commit of it stores
  std::vector<StagedUnload> unloads;
};

}  // namespace sluice::sync
