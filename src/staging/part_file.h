// A part's file on local disk: pre-sized, written at any offset by several threads.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace sluice::staging {

class PartFile {
 public:
  // Creates the file with all its blocks reserved, so that a full disk shows here and not in the
  // middle of a download. Throws base::Error: kNoSpace, kPermission, kInternal.
  PartFile(std::filesystem::path path, std::uint64_t bytes);
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  // Closes and removes the file.
  ~PartFile();

  // Throws kNoSpace or kInternal. Thread-safe for ranges that do not overlap.
  void Write(std::uint64_t offset, std::span<const std::byte> bytes);
  // All its bytes in order, as they are read now, in pieces. Throws kCorrupt if they cannot be
  // read, and what `take` throws.
  void Read(const std::function<void(std::span<const std::byte>)>& take) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace sluice::staging
