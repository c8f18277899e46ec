// `sync --watch`: sync after sync, in the foreground, until somebody ends it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "schedule/timetable.h"

namespace sluice::cli {

struct WatchEntry {
  std::string stream;  // its name; empty: all that patterns stand for
  schedule::When when;
};

// What the configuration's streams follow: their own schedule, else `watch` ("15m"); those without
// one, if `watch` is "schedule", are not synced. `names`: only these; empty: all. Throws
// kInvalidConfig for a `watch` that is neither, and if nothing would ever be synced.
std::vector<WatchEntry> WatchEntries(const config::Config& config,
                                     const std::vector<std::string>& names,
                                     const std::string& watch);

// Calls `sync` with the names of what is due, never twice at a time. It returns an exit code, and
// tells by itself what went wrong: the next sync comes at its time all the same. Returns 0 after
// context.drain, kInterrupted after context.stop. REQUIRES: `entries` is not empty.
int Watch(const Context& context, const std::vector<WatchEntry>& entries,
          const std::function<int(const std::vector<std::string>& names)>& sync);

}  // namespace sluice::cli
