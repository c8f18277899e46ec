// MeasureWidth of part_outline.h.
#include <algorithm>
#include <deque>

#include "base/error.h"
#include "columnar/page_walk.h"
#include "columnar/part_outline.h"

namespace sluice::columnar {
namespace {

// Values this short are as wide in DuckDB's vectors whatever they hold.
constexpr std::uint64_t kShortBytes = 16;
// Dictionaries that are read to find their longest value. Writers end them at 1 MB; of a larger one
// its size stands for all.
constexpr std::uint64_t kDictionaryBytesMax = 32ULL << 20;

bool Varies(Physical physical, std::uint64_t fixed_bytes) {
  return physical == Physical::kByteArray ||
         (physical == Physical::kFixedLenByteArray && fixed_bytes > kShortBytes);
}

// Values of a dictionary of texts: of each its length, 4 bytes, and its bytes.
std::uint64_t LongestOf(std::string_view plain, std::uint64_t values) {
  std::uint64_t longest = 0;
  std::size_t at = 0;
  for (; values > 0; --values) {
    if (plain.size() - at < 4) throw BrokenStructure();
    const std::uint32_t length = LittleEndian32(plain.data() + at);
    at += 4;
    if (length > plain.size() - at) throw BrokenStructure();
    at += length;
    longest = std::max<std::uint64_t>(longest, length);
  }
  return longest;
}

// The bytes of one column in kWindowRows rows one after another, page by page.
class Window {
 public:
  // `value_max`: of a dictionary's or unfolded value, each of which may be the longest there is; 0:
  // the page's bytes are all there are.
  void Add(std::uint64_t rows, std::uint64_t bytes, std::uint64_t value_max) {
    if (rows == 0) return;
    pages_.push_back({rows, bytes, value_max});
    rows_ += rows;
    // The window begins in the first page and ends in the last: what lies between is inside.
    while (pages_.size() > 2 && rows_ - pages_.front().rows - pages_.back().rows >= kWindowRows) {
      rows_ -= pages_.front().rows;
      pages_.pop_front();
    }
    largest_ = std::max(largest_, Bytes());
  }
  std::uint64_t largest() const { return largest_; }

 private:
  struct Page {
    std::uint64_t rows;
    std::uint64_t bytes;
    std::uint64_t value_max;
  };

  std::uint64_t Bytes() const {
    std::uint64_t plain = 0;
    std::uint64_t unfolded_rows = 0;
    std::uint64_t value_max = 0;
    for (const Page& page : pages_) {
      if (page.value_max == 0) {
        plain += page.bytes;
        continue;
      }
      unfolded_rows += page.rows;
      value_max = std::max(value_max, page.value_max);
    }
    return plain + std::min(unfolded_rows, kWindowRows) * value_max;
  }

  std::deque<Page> pages_;  // each has rows, so at most kWindowRows and two
  std::uint64_t rows_ = 0;
  std::uint64_t largest_ = 0;
};

class Column {
 public:
  Column(const PartBytes& file, std::uint64_t fixed_bytes)
      : file_(file), fixed_bytes_(fixed_bytes) {}

  void AddChunk(const ChunkOutline& chunk) {
    std::uint64_t longest = 0;
    WalkPages(file_, chunk, [&](const PageHeader& page) {
      if (page.kind == PageKind::kIndex) return;
      if (page.kind == PageKind::kDictionary) {
        longest = ReadDictionary(chunk, page);
        return;
      }
      if (!Varies(chunk.physical, fixed_bytes_)) return;
      window_.Add(page.values, page.plain_bytes, LongestIn(page, longest));
    });
  }
  std::uint64_t largest() const { return window_.largest(); }

 private:
  static std::uint64_t LongestIn(const PageHeader& page, std::uint64_t in_dictionary) {
    switch (page.encoding) {
      case Encoding::kPlainDictionary:
      case Encoding::kRleDictionary: return std::max<std::uint64_t>(in_dictionary, 1);
      // Each value may repeat what stands before it.
      case Encoding::kDeltaByteArray: return std::max<std::uint64_t>(page.plain_bytes, 1);
      default: return 0;
    }
  }

  std::uint64_t ReadDictionary(const ChunkOutline& chunk, const PageHeader& page) const {
    // The least that a value of a dictionary takes there; a boolean has none.
    static constexpr std::uint64_t kLeast[] = {1, 4, 8, 12, 4, 8, 4, 1};
    if (page.values > page.plain_bytes / kLeast[static_cast<unsigned>(chunk.physical)]) {
      throw BrokenStructure();
    }
    if (!Varies(chunk.physical, fixed_bytes_)) return 0;
    if (chunk.physical == Physical::kFixedLenByteArray) return fixed_bytes_;
    const bool none = chunk.codec == static_cast<std::int64_t>(Codec::kNone);
    const bool snappy = chunk.codec == static_cast<std::int64_t>(Codec::kSnappy);
    if ((!none && !snappy) || page.plain_bytes > kDictionaryBytesMax) return page.plain_bytes;
    const std::string packed = file_.Read(page.begins_at, page.packed_bytes);
    return LongestOf(none ? packed : UnfoldSnappy(packed, page.plain_bytes), page.values);
  }

  const PartBytes& file_;
  const std::uint64_t fixed_bytes_;
  Window window_;
};

}  // namespace

PartWidth MeasureWidth(const model::LocalPart& part, const PartOutline& outline) {
  const PartBytes file(part);
  PartWidth width;
  try {
    for (std::size_t i = 0; i < outline.fixed_bytes.size(); ++i) {
      Column column(file, outline.fixed_bytes[i]);
      for (const RowGroupOutline& group : outline.row_groups) column.AddChunk(group.chunks[i]);
      width.column_bytes.push_back(column.largest());
      width.window_bytes += column.largest();
    }
  } catch (const BrokenStructure&) {
    throw base::Error({.code = base::ErrorCode::kCorrupt,
                       .operation = "read part",
                       .subject = "part " + part.part.key,
                       .message = "a page in it is not what its header says",
                       .remedy = "Run again: the part is fetched again."});
  }
  return width;
}

}  // namespace sluice::columnar
