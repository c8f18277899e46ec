// Whether parts could be written to local disk, asked before anything is paid for.
#pragma once
#include <filesystem>

namespace sluice::sync {

// Throws kPermission (reason "work_dir") or kNoSpace (reason "disk_full") if no file can be made in
// `folder`, which is made where it is missing. Nothing of it stays, the folders neither.
void CheckWorkDir(const std::filesystem::path& folder);

}  // namespace sluice::sync
