// A query's rows as typed vectors, a chunk at a time: for whoever turns them into another format.
// DuckDB decodes ahead on its own threads, up to a bounded buffer, while chunks are used.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/database.h"

namespace sluice::columnar {

// How a vector's values lie in memory.
enum class VectorKind {
  kBool,    // one byte
  kInt16,   // SMALLINT, decimals to 4 digits
  kInt32,   // INTEGER, DATE (days since 1970), decimals to 9
  kInt64,   // BIGINT, times and timestamps (microseconds), decimals to 18
  kInt128,  // HUGEINT, decimals to 38
  kFloat32,
  kFloat64,
  kBytes,  // VARCHAR, JSON, BLOB: BytesCell
};

// One text or blob as DuckDB keeps it. Format, do not change: 12 bytes lie in the cell itself, of
// longer ones it holds four and the address of all.
class BytesCell {
 public:
  std::string_view view() const {
    if (length_ <= sizeof rest_) return {rest_, length_};
    const char* data = nullptr;
    std::memcpy(&data, rest_ + 4, sizeof data);
    return {data, length_};
  }
  std::uint32_t length() const { return length_; }

 private:
  std::uint32_t length_;
  char rest_[12];
};
static_assert(sizeof(BytesCell) == 16);

// One column of a chunk. Borrowed from it.
struct Vector {
  VectorKind kind = VectorKind::kBytes;
  const void* data = nullptr;
  const std::uint64_t* valid = nullptr;  // a bit per row; nullptr: every row has a value

  bool IsNull(std::size_t row) const {
    return valid != nullptr && (valid[row / 64] >> (row % 64) & 1U) == 0;
  }
  // REQUIRES: T is what `kind` says, and the row is not NULL.
  template <typename T>
  T At(std::size_t row) const {
    T value;  // copied: nothing promises the alignment of 16-byte numbers
    std::memcpy(&value, static_cast<const char*>(data) + row * sizeof(T), sizeof(T));
    return value;
  }
};

// At most 2048 rows. Move-only; may be used on another thread than the reader's.
class Chunk {
 public:
  std::size_t rows() const { return rows_; }
  std::span<const Vector> columns() const { return columns_; }

 private:
  friend class ChunkReader;
  struct Destroy {
    void operator()(void* handle) const noexcept;
  };
  Chunk(void* handle, std::span<const VectorKind> kinds);
  std::unique_ptr<void, Destroy> handle_;
  std::size_t rows_ = 0;
  std::vector<Vector> columns_;
};

// One thread at a time, but any. REQUIRES: the connection runs nothing else while it lives, and
// outlives it.
class ChunkReader {
 public:
  // Begins `sql`, a SELECT whose columns are of the types that VectorKind names (others throw
  // kInternal). Throws what `task` names, or kCancelled.
  ChunkReader(Connection& connection, const std::string& sql, const Task& task,
              std::stop_token stop);
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;
  ~ChunkReader();

  // nullopt at the end, and from then on. Throws as above; not to be called after that.
  std::optional<Chunk> Next();

 private:
  struct Running;
  const Task task_;
  const std::stop_token stop_;
  std::vector<VectorKind> kinds_;
  std::unique_ptr<Running> running_;
  bool at_end_ = false;
};

// The parts of a TIME WITH TIME ZONE, which lies in a vector as one number.
struct ZonedTime {
  std::int64_t micros = 0;          // since midnight, local
  std::int32_t offset_seconds = 0;  // east of UTC
};
ZonedTime SplitZonedTime(std::uint64_t bits);

}  // namespace sluice::columnar
