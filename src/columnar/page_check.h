// The check that a Parquet file's writer may have given each page: a CRC-32 of the page's bytes as
// they stand in the file, behind its header. DuckDB does not look at it. It also finds what changed
// before S3 knew the object, which no checksum of S3 can.
// https://github.com/apache/parquet-format/blob/master/README.md#checksumming
#pragma once
#include <cstdint>
#include <stop_token>

#include "model/part.h"

namespace sluice::columnar {

// How many pages were looked at and hold. 0, and nothing more is read, if the first page has none:
// writers give it to all pages or to none. Throws kCorrupt if a page's CRC does not hold or a page
// is not what it says, kCancelled, and as ReadOutline.
std::uint64_t VerifyPages(const model::LocalPart& part, std::stop_token stop);

}  // namespace sluice::columnar
