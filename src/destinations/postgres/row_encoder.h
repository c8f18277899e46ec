// Chunks of typed columns as rows of COPY (FORMAT binary).
// Format, do not change (https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"):
//   header   "PGCOPY\n\377\r\n\0", flags int32, length of the extension int32: both zero
//   row      number of fields int16; of each field its length int32 (-1: NULL) and its bytes
//   trailer  int16 -1
// All numbers are in network byte order.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/chunk_reader.h"
#include "destinations/postgres/pg_type.h"
#include "model/types.h"

namespace sluice::destinations::postgres {

// Bytes that grow without being zeroed first.
class CopyBuffer {
 public:
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }
  void Clear() { size_ = 0; }
  // Where at least `bytes` can be written, behind what is there.
  char* Reserve(std::size_t bytes);
  void Advance(const char* end) { size_ = static_cast<std::size_t>(end - data_.get()); }
  void Append(std::string_view bytes);

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// One thread at a time. Nothing is allocated per value.
class RowEncoder {
 public:
  // `table` is for messages: "table sales.orders".
  RowEncoder(const std::vector<model::Column>& columns, std::string table);

  static void Begin(CopyBuffer& out);
  // Appends rows of `chunk` from row `from` on, until `out` holds `bytes_max` or more or the chunk
  // ends; returns the next row. Throws kUnsupported, naming the column, for a text with a NUL, and
  // kCorrupt for a time that PostgreSQL has no form for; never the value.
  // REQUIRES: the chunk has the encoder's columns, as EngineType has them.
  std::size_t Append(const columnar::Chunk& chunk, std::size_t from, std::size_t bytes_max,
                     CopyBuffer& out) const;
  static void End(CopyBuffer& out);

 private:
  struct Field {
    Wire wire = Wire::kText;
    int scale = 0;
    std::string name;
  };
  std::size_t RowBytes(const columnar::Chunk& chunk, std::size_t row) const;
  char* PutField(const Field& field, const columnar::Vector& column, std::size_t row,
                 char* out) const;
  char* PutTime(const Field& field, std::int64_t micros, char* out) const;
  [[noreturn]] void ThrowNul(const Field& field) const;
  [[noreturn]] void ThrowRange(const Field& field) const;

  std::vector<Field> fields_;
  std::vector<std::size_t> variable_;  // those whose length only the value tells
  std::size_t fixed_bytes_ = 0;        // the most that the others need, with all lengths
  const std::string table_;
};

}  // namespace sluice::destinations::postgres
