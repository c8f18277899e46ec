// What a death in the middle of DuckDB's own writing leaves, and how it is repaired.
//
// DuckDB 1.5.6 writes rows to free blocks and then a new header, so that a death leaves the old
// header and what it points to. But the blocks of its index (its "metadata blocks") it rewrites in
// place at each checkpoint, the one that the current header points to included. A process that is
// killed inside that write of 256 KB (the kernel stops between two pages), a full disk or a loss of
// power then leave a block whose checksum is wrong, and a file that nobody can open: one kill in
// some 500 at random moments did (measured). So the blocks are copied beside the file before every
// checkpoint, and put back by whoever opens the file next, unless the checkpoint came to its end.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sluice::destinations::duckdb {

// "acme.duckdb.undo"; there while a checkpoint runs, and after a death in it.
// Format: magic, device and inode of the file, its first 12,288 bytes (DuckDB's three headers),
// then each block's number and bytes; of the version of Sluice that wrote it.
std::filesystem::path UndoFileOf(const std::filesystem::path& file);

// To be called before DuckDB opens `file`: puts the blocks back if a checkpoint was cut off, and
// removes a file that DuckDB had not finished making or that is empty, which holds nothing. Does
// nothing if another process has the file open for writing. Returns whether anything was repaired.
// Throws kPermission, kNoSpace, kDestination (the disk fails).
bool RepairAfterCrash(const std::filesystem::path& file);

// One checkpoint's safety. Not thread-safe.
class CheckpointUndo {
 public:
  // Copies `blocks`, of `block_bytes` each, and waits for the disk. `fd`: the file, open for
  // reading; it must not be one that is closed before DuckDB closes the file, since that would drop
  // DuckDB's lock on it (POSIX). Throws kPermission, kNoSpace, kDestination: then nothing is left.
  CheckpointUndo(const std::filesystem::path& file, int fd, const std::vector<std::int64_t>& blocks,
                 std::uint64_t block_bytes);
  CheckpointUndo(const CheckpointUndo&) = delete;
  CheckpointUndo& operator=(const CheckpointUndo&) = delete;
  // The copy stays, for RepairAfterCrash, unless Drop was called.
  ~CheckpointUndo() = default;
  // The checkpoint is whole, or was not begun.
  void Drop() noexcept;

 private:
  const std::filesystem::path path_;
};

}  // namespace sluice::destinations::duckdb
