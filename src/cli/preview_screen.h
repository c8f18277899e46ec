// Rows of a stream as a person reads them. Pure; any thread.
#pragma once
#include <cstddef>
#include <string>

#include "cli/style.h"
#include "connection/preview.h"

namespace sluice::cli {

// A table that fits into `width` columns; 0: as wide as it takes, for a file. Long values are cut,
// columns that do not fit are left out, and both are told.
std::string PreviewScreen(const connection::Preview& preview, std::size_t width,
                          const Style& style);

}  // namespace sluice::cli
