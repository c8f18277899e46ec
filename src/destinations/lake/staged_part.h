// A part where it lies, in the staging bucket: its footer, without its rows.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

#include "aws/s3/object_store.h"
#include "model/part.h"

namespace sluice::destinations::lake {

struct StagedTail {
  aws::ObjectInfo object;
  // A file of the object's size that holds its first and last bytes alone, the footer among them:
  // columnar::ReadFooter reads it as it would the part. It takes no more disk than the footer.
  model::LocalPart part;
};

// Writes `file`. Throws kCorrupt if the part has another size than the manifest says, is no Parquet
// file, or has an impossible footer, kNotFound if it is gone, kNoSpace, and what `store` throws.
StagedTail ReadTail(aws::ObjectStore& store, const model::Part& part,
                    const std::filesystem::path& file, const base::Call& call);

// Brings the bytes of those columns, by number, to their places in the file, so that they can be
// read; the rest stays where it is. Throws as ReadTail, kCorrupt for a damaged footer, kNoSpace.
void FetchColumns(aws::ObjectStore& store, const StagedTail& tail,
                  std::span<const std::size_t> columns, const base::Call& call);

}  // namespace sluice::destinations::lake
