// Thrift's compact protocol, in which Parquet writes its footer and its page headers, read without
// building anything: a caller takes the fields it wants and every length is held against the bytes
// that are there, so that a few bytes cannot ask for gigabytes.
// Format, do not change
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md):
//   struct   fields, then a byte 0
//   field    one byte: distance from the last field's id << 4 | kind; distance 0: id follows,
//   zigzag integer  zigzag varint; byte: one byte; double: eight; binary: length varint, then the
//   bytes list     one byte: count << 4 | kind of its elements; count 15: a varint of it follows
//   map      count varint; if not 0 one byte: kind of keys << 4 | kind of values; then both in turn
// A boolean field's value is its kind.
#pragma once
#include <cstdint>
#include <exception>
#include <string_view>

namespace sluice::columnar {

// The bytes are no such structure, or one deeper or larger than any Parquet file needs.
class BrokenStructure : public std::exception {
 public:
  const char* what() const noexcept override { return "the structure is damaged"; }
};
// They may be the beginning of one: more is needed.
class CutStructure : public BrokenStructure {};

// One thread at a time. Borrows `bytes`.
class CompactReader {
 public:
  enum class Kind : std::uint8_t {
    kTrue = 1,
    kFalse = 2,
    kByte = 3,
    kI16 = 4,
    kI32 = 5,
    kI64 = 6,
    kDouble = 7,
    kBinary = 8,
    kList = 9,
    kSet = 10,
    kMap = 11,
    kStruct = 12,
  };
  struct Counts {
    std::uint64_t structs = 0;
    std::uint64_t values = 0;  // all others
  };

  explicit CompactReader(std::string_view bytes) : bytes_(bytes) {}

  // `on_field(id, kind)` reads the field's value and returns true, or leaves it and returns false.
  template <typename OnField>
  void Struct(OnField on_field) {
    const Nesting nesting(*this);
    ++counts_.structs;
    int id = 0;
    Kind kind{};
    while (NextField(id, kind)) {
      if (!on_field(id, kind)) Skip(kind);
    }
  }
  // `on_element(kind)` reads one element.
  template <typename OnElement>
  void List(OnElement on_element) {
    const Nesting nesting(*this);
    Kind kind{};
    for (std::uint64_t left = BeginList(kind); left > 0; --left) on_element(kind);
  }
  std::int64_t Integer();
  std::string_view Binary();
  void Skip(Kind kind);

  // Bytes read so far.
  std::size_t position() const { return at_; }
  // What was read and skipped so far: what a reader that keeps everything must hold.
  const Counts& counts() const { return counts_; }

 private:
  static constexpr int kDepthMax = 24;

  class Nesting {
   public:
    explicit Nesting(CompactReader& reader) : reader_(reader) {
      if (++reader_.depth_ > kDepthMax) throw BrokenStructure();
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --reader_.depth_; }

   private:
    CompactReader& reader_;
  };

  bool NextField(int& id, Kind& kind);
  std::uint64_t BeginList(Kind& kind);
  std::uint8_t Byte();
  std::uint64_t Varint();
  void SkipElements(Kind kind, std::uint64_t count);
  void SkipMap();

  std::string_view bytes_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Counts counts_;
};

}  // namespace sluice::columnar
