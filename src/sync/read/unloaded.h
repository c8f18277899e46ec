// What one UNLOAD left in the bucket.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aws/s3/object_store.h"
#include "staging/manifest.h"
#include "sync/ledger/ledger.h"
#include "sync/read/reading.h"

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

}  // namespace sluice::sync
