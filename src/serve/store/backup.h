// `sluice serve backup`: a copy of service.db, consistent though others write it meanwhile.
#pragma once
#include <cstdint>
#include <filesystem>

#include "serve/store/data_folder.h"

namespace sluice::serve {

// Writes the copy, mode 0600, whole or not at all; secrets stay sealed in it, and no key is needed.
// Returns its bytes. Throws kConflict if there is such a file; kNotFound, kPermission, kNoSpace of
// where it shall lie; kCorrupt if the database is none of ours, or of a newer program.
std::int64_t BackUp(const DataFolder& data, const std::filesystem::path& to);

}  // namespace sluice::serve
