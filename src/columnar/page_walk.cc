#include "columnar/page_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;
using Kind = CompactReader::Kind;

// Most headers take 30 bytes; one with the least and the greatest value of a page takes these, too.
constexpr std::uint64_t kHeaderBytes = 512;
constexpr std::uint64_t kHeaderBytesMax = 16ULL << 20;

[[noreturn]] void Fail(const model::LocalPart& part, ErrorCode code, std::string message) {
  throw base::Error({.code = code,
                     .operation = "read part",
                     .subject = "part " + part.part.key,
                     .message = std::move(message),
                     .remedy = "Look at limits.work_dir, then run again: the part is fetched "
                               "again."});
}

std::uint64_t Natural(CompactReader& reader, Kind kind) {
  if (kind < Kind::kI16 || kind > Kind::kI64) throw BrokenStructure();
  const std::int64_t value = reader.Integer();
  if (value < 0) throw BrokenStructure();
  return static_cast<std::uint64_t>(value);
}

// Of the header of a data or a dictionary page: where they have the same, fields have other ids.
void ReadInner(CompactReader& reader, int encoding_id, PageHeader& page) {
  reader.Struct([&](int id, Kind kind) {
    if (id == 1) {
      page.values = Natural(reader, kind);
    } else if (id == encoding_id) {
      const std::uint64_t encoding = Natural(reader, kind);
      if (encoding > 9) throw BrokenStructure();
      page.encoding = static_cast<Encoding>(encoding);
    } else {
      return false;
    }
    return true;
  });
}

PageHeader ParseHeader(CompactReader& reader) {
  PageHeader page;
  reader.Struct([&](int id, Kind kind) {
    switch (id) {
      case 1: {
        const std::uint64_t type = Natural(reader, kind);
        if (type > 3) throw BrokenStructure();
        page.kind = static_cast<PageKind>(type);
        return true;
      }
      case 2: page.plain_bytes = Natural(reader, kind); return true;
      case 3: page.packed_bytes = Natural(reader, kind); return true;
      case 4:
        // A CRC is all 32 bits, told as a number with a sign.
        if (kind != Kind::kI32) throw BrokenStructure();
        page.crc = static_cast<std::uint32_t>(reader.Integer());
        return true;
      case 5:
      case 7:
      case 8:
        if (kind != Kind::kStruct) throw BrokenStructure();
        ReadInner(reader, id == 8 ? 4 : 2, page);
        return true;
      default: return false;
    }
  });
  return page;
}

PageHeader ReadHeader(const PartBytes& file, std::uint64_t at, std::uint64_t end) {
  for (std::uint64_t wanted = kHeaderBytes;; wanted *= 8) {
    const std::uint64_t bytes = std::min(wanted, end - at);
    const std::string text = file.Read(at, bytes);
    CompactReader reader(text);
    try {
      PageHeader page = ParseHeader(reader);
      page.begins_at = at + reader.position();
      return page;
    } catch (const CutStructure&) {
      if (bytes < wanted || wanted >= kHeaderBytesMax) throw BrokenStructure();
    }
  }
}

std::uint64_t Number(std::string_view packed, std::size_t& at, unsigned bytes) {
  if (packed.size() - at < bytes) throw BrokenStructure();
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(packed[at++])} << (8 * i);
  }
  return value;
}

std::uint64_t Varint(std::string_view packed, std::size_t& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const std::uint64_t byte = Number(packed, at, 1);
    value |= (byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  throw BrokenStructure();
}

// Copies overlap where a run of bytes is repeated, so byte by byte.
void CopyBack(std::string& out, std::uint64_t distance, std::uint64_t length, std::uint64_t max) {
  if (distance == 0 || distance > out.size() || length > max - out.size()) throw BrokenStructure();
  std::size_t from = out.size() - distance;
  for (; length > 0; --length) out.push_back(out[from++]);
}

}  // namespace

PartBytes::PartBytes(const model::LocalPart& part) : part_(part) {
  fd_ = open(part.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd_ < 0) {
    const int reason = errno;
    ErrorCode code = ErrorCode::kDestination;
    if (reason == ENOENT) code = ErrorCode::kNotFound;
    if (reason == EACCES || reason == EPERM) code = ErrorCode::kPermission;
    Fail(part, code, std::string("its file cannot be opened: ") + std::strerror(reason));
  }
  struct stat status {};
  if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(fd_);
    Fail(part, ErrorCode::kCorrupt, "it is not a Parquet file: it is not a file at all");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

PartBytes::~PartBytes() { close(fd_); }

std::string PartBytes::Read(std::uint64_t at, std::uint64_t bytes) const {
  if (at > size_ || bytes > size_ - at) throw BrokenStructure();
  std::string out(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = pread(fd_, out.data() + done, bytes - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) Fail(part_, ErrorCode::kCorrupt, "its file cannot be read to its end");
    done += static_cast<std::size_t>(n);
  }
  return out;
}

std::uint32_t LittleEndian32(const char* bytes) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

void WalkPages(const PartBytes& file, const ChunkOutline& chunk,
               const std::function<void(const PageHeader&)>& on_page) {
  std::uint64_t at = chunk.begins_at;
  const std::uint64_t end = chunk.begins_at + chunk.packed_bytes;
  std::uint64_t values = 0;
  // Readers go by the number of values: what lies behind the last of them belongs to nobody.
  while (values < chunk.values) {
    if (at >= end) throw BrokenStructure();
    const PageHeader page = ReadHeader(file, at, end);
    if (page.packed_bytes > end - page.begins_at) throw BrokenStructure();
    if (page.kind == PageKind::kData || page.kind == PageKind::kDataV2) {
      if (page.values > chunk.values - values) throw BrokenStructure();
      values += page.values;
    }
    on_page(page);
    at = page.begins_at + page.packed_bytes;
  }
}

std::string UnfoldSnappy(std::string_view packed, std::uint64_t plain_bytes) {
  std::size_t at = 0;
  if (Varint(packed, at) != plain_bytes) throw BrokenStructure();
  std::string out;
  out.reserve(plain_bytes);
  while (at < packed.size()) {
    const auto tag = static_cast<unsigned>(Number(packed, at, 1));
    switch (tag & 3U) {
      case 0: {
        std::uint64_t length = tag >> 2;
        if (length >= 60) length = Number(packed, at, static_cast<unsigned>(length) - 59);
        ++length;
        if (length > packed.size() - at || length > plain_bytes - out.size()) {
          throw BrokenStructure();
        }
        out.append(packed.substr(at, length));
        at += length;
        break;
      }
      case 1: {
        const std::uint64_t distance = (tag >> 5) << 8 | Number(packed, at, 1);
        CopyBack(out, distance, 4 + (tag >> 2 & 7U), plain_bytes);
        break;
      }
      default: {
        const std::uint64_t distance = Number(packed, at, (tag & 3U) == 2 ? 2 : 4);
        CopyBack(out, distance, 1 + (tag >> 2), plain_bytes);
        break;
      }
    }
  }
  if (out.size() != plain_bytes) throw BrokenStructure();
  return out;
}

}  // namespace sluice::columnar
