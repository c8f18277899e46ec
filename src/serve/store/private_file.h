// Files that belong to the service's user alone. Any thread.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::serve {

// Writes the file as a whole, mode 0600: after a crash it is the old one or the new one. One that
// root replaces stays its owner's. Throws
// kPermission, kNoSpace, kNotFound.
void WritePrivateFile(const std::filesystem::path& file, std::string_view text,
                      std::string_view operation);
// Where root does something for a service that another user runs: gives what is open as `fd` to
// the user of `of`, if that is there.
void KeepOwner(const std::filesystem::path& of, int fd, std::string_view operation);
// Makes the folder (mode 0700) and those above it.
void MakePrivateFolder(const std::filesystem::path& folder, std::string_view operation);
[[noreturn]] void ThrowErrno(std::string_view operation, const std::filesystem::path& file,
                             int number);

}  // namespace sluice::serve
