// A part's bytes as they lie on disk, and the headers of the pages in it; part_outline.h is what
// others use.
// Format, do not change (https://github.com/apache/parquet-format, parquet.thrift): a page header
// is a structure of Thrift's compact protocol; `packed_bytes` of the page follow it.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "columnar/compact_reader.h"
#include "columnar/part_outline.h"
#include "model/part.h"

namespace sluice::columnar {

// A footer that describes more than fits into memory.
class LargeStructure : public BrokenStructure {};
// One with a column in a column.
class NestedColumn : public BrokenStructure {
 public:
  explicit NestedColumn(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

[[noreturn]] void ThrowTooLarge(const model::LocalPart& part, std::uint64_t footer_bytes);

// One thread at a time.
class PartBytes {
 public:
  // Never through a symbolic link. Throws kNotFound, kPermission, kCorrupt (no regular file).
  explicit PartBytes(const model::LocalPart& part);
  PartBytes(const PartBytes&) = delete;
  PartBytes& operator=(const PartBytes&) = delete;
  ~PartBytes();

  std::uint64_t size() const { return size_; }
  // Throws BrokenStructure if the file ends before `at + bytes`, kCorrupt if the disk fails.
  std::string Read(std::uint64_t at, std::uint64_t bytes) const;

 private:
  const model::LocalPart& part_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

std::uint32_t LittleEndian32(const char* bytes);

enum class PageKind : std::uint8_t { kData = 0, kIndex = 1, kDictionary = 2, kDataV2 = 3 };
enum class Encoding : std::uint8_t {
  kPlain = 0,
  kPlainDictionary = 2,
  kRle = 3,
  kBitPacked = 4,
  kDeltaBinaryPacked = 5,
  kDeltaLengthByteArray = 6,
  kDeltaByteArray = 7,
  kRleDictionary = 8,
  kByteStreamSplit = 9,
};

struct PageHeader {
  PageKind kind = PageKind::kData;
  Encoding encoding = Encoding::kPlain;
  std::uint64_t plain_bytes = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t values = 0;          // NULLs too
  std::uint64_t begins_at = 0;       // of its bytes, behind the header
  std::optional<std::uint32_t> crc;  // CRC-32 of its bytes, where its writer gave it one
};

// Every page of a chunk in turn. Throws BrokenStructure if one is not what it says or they do not
// add up to the chunk, and what PartBytes::Read throws.
void WalkPages(const PartBytes& file, const ChunkOutline& chunk,
               const std::function<void(const PageHeader&)>& on_page);

// SNAPPY's raw format (https://github.com/google/snappy/blob/main/format_description.txt).
// Throws BrokenStructure unless it unfolds to exactly `plain_bytes`. Pure.
std::string UnfoldSnappy(std::string_view packed, std::uint64_t plain_bytes);

}  // namespace sluice::columnar
