// The files of a ledger as they stand on disk: what may stand there, and how it is told that
// something else does.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::sync {

// What to do about a ledger that cannot be used.
inline constexpr std::string_view kMoveLedgerAway =
    "Move it away; the next sync starts a new one. Nothing is lost by that: how far each stream is "
    "stands at the destination, and objects that earlier runs left in the bucket are swept when "
    "they are a day old.";

// Throws kPermission if the ledger, or a file that SQLite keeps beside it, is a symbolic link,
// which would be followed, and kCorrupt if it is no file.
void RequireOwnFiles(const std::filesystem::path& ledger);

// "ledger PATH".
std::string LedgerSubject(const std::filesystem::path& path);
// Of `number`, an errno: kPermission, kNoSpace, or kCorrupt for a folder.
[[noreturn]] void ThrowLedgerErrno(const std::filesystem::path& path, int number);

}  // namespace sluice::sync
