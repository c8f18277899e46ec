// Files that are there whole or not at all.
#pragma once
#include <filesystem>
#include <string_view>

namespace sluice::init {

// Writes beside the target, flushes to the disk, renames. `mode` holds from the first byte on.
// Throws kDestination, naming file and reason; then the target is as it was, and nothing is left
// beside it.
void WriteWhole(const std::filesystem::path& file, std::string_view text, unsigned mode);

}  // namespace sluice::init
