#include "destinations/lake/staged_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/error.h"
#include "columnar/part_outline.h"

namespace sluice::destinations::lake {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic = "PAR1";
constexpr std::uint64_t kEndBytes = 8;  // the footer's length and the magic
// Holds the footer of most parts; a longer one costs a second read.
constexpr std::uint64_t kFirstRead = 64 << 10;
constexpr std::uint64_t kFooterMax = 64ULL << 20;
constexpr std::uint64_t kPieceBytes = 4ULL << 20;

[[noreturn]] void ThrowCorrupt(const model::Part& part, std::string message) {
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = "read footer",
                     .subject = "part " + part.key,
                     .message = std::move(message),
                     .remedy = "Nothing else may write below the staging prefix. Run again."});
}

std::uint64_t LittleEndian(std::string_view four) {
  std::uint64_t value = 0;
  for (std::size_t i = 4; i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(four[i - 1]);
  }
  return value;
}

// From its last bytes: where the footer ends is known, where it begins they tell.
std::string Tail(aws::ObjectStore& store, const aws::ObjectInfo& object, const model::Part& part,
                 const base::Call& call) {
  const std::uint64_t size = object.bytes;
  if (size < kMagic.size() + kEndBytes) ThrowCorrupt(part, "it is too short for a Parquet file");
  const std::uint64_t first = std::min(size, kFirstRead);
  std::string tail = aws::ReadRange(store, object, size - first, first, call);
  if (!std::string_view(tail).ends_with(kMagic)) ThrowCorrupt(part, "it is not a Parquet file");
  const std::uint64_t footer =
      LittleEndian(std::string_view(tail).substr(tail.size() - kEndBytes, 4));
  if (footer > kFooterMax || footer + kEndBytes + kMagic.size() > size) {
    ThrowCorrupt(part, "its footer has an impossible length");
  }
  const std::uint64_t needed = footer + kEndBytes;
  if (needed <= tail.size()) return tail;
  return aws::ReadRange(store, object, size - needed, needed - tail.size(), call) + tail;
}

[[noreturn]] void ThrowNotWritten(const std::filesystem::path& file) {
  throw base::Error({.code = ErrorCode::kNoSpace,
                     .operation = "read footer",
                     .subject = "file " + file.string(),
                     .message = "it cannot be written",
                     .remedy = "Free space in limits.work_dir, or set it to a folder that is "
                               "writable; then run again."});
}

void WriteSparse(const std::filesystem::path& file, std::uint64_t size, const std::string& tail) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << kMagic;
  out.seekp(static_cast<std::streamoff>(size - tail.size()));
  out << tail;
  out.close();
  if (!out) ThrowNotWritten(file);
}

}  // namespace

StagedTail ReadTail(aws::ObjectStore& store, const model::Part& part,
                    const std::filesystem::path& file, const base::Call& call) {
  auto object = store.Head(part.key, call);
  if (!object) {
    throw base::Error({.code = ErrorCode::kNotFound,
                       .operation = "read footer",
                       .subject = "part " + part.key,
                       .message = "it is gone from the staging bucket",
                       .remedy = "Exempt the staging prefix from lifecycle rules shorter than a "
                                 "day. Run again."});
  }
  if (object->bytes != part.bytes) {
    ThrowCorrupt(
        part, fmt::format("it has {} bytes, and the manifest says {}", object->bytes, part.bytes));
  }
  WriteSparse(file, object->bytes, Tail(store, *object, part, call));
  return {.object = std::move(*object), .part = {.part = part, .file = file}};
}

void FetchColumns(aws::ObjectStore& store, const StagedTail& tail,
                  std::span<const std::size_t> columns, const base::Call& call) {
  const columnar::PartOutline outline = columnar::ReadOutline(tail.part);
  std::fstream file(tail.part.file, std::ios::binary | std::ios::in | std::ios::out);
  for (const columnar::RowGroupOutline& group : outline.row_groups) {
    for (const std::size_t column : columns) {
      if (column >= group.chunks.size()) continue;  // whoever looks at the footer's columns tells
      const columnar::ChunkOutline& chunk = group.chunks[column];
      const std::uint64_t end = chunk.begins_at + chunk.packed_bytes;
      for (std::uint64_t at = chunk.begins_at; at < end; at += kPieceBytes) {
        const std::uint64_t bytes = std::min(kPieceBytes, end - at);
        file.seekp(static_cast<std::streamoff>(at));
        file << aws::ReadRange(store, tail.object, at, bytes, call);
      }
    }
  }
  file.close();
  if (!file) ThrowNotWritten(tail.part.file);
}

}  // namespace sluice::destinations::lake
