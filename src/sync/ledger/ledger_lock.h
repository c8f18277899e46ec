// Who holds a ledger: flock on a file beside it, which the kernel frees when the process dies,
// however it dies.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/descriptor.h"

namespace sluice::sync {

class LedgerLock {
 public:
  // Throws kConflict, naming the holder, if another process has it; kPermission and kNoSpace if the
  // file beside the ledger cannot be made, or is not a file of ours.
  LedgerLock(const std::filesystem::path& ledger, const base::Clock& clock);

 private:
  base::Descriptor file_;
};

// "process 4711 since 2026-01-01 00:00:00 UTC"; nullopt if nobody holds it. Holds nothing.
std::optional<std::string> LedgerHolder(const std::filesystem::path& ledger);

}  // namespace sluice::sync
