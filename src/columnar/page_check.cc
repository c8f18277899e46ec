#include "columnar/page_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/crc.h"
#include "base/error.h"
#include "columnar/page_walk.h"
#include "columnar/part_outline.h"

namespace sluice::columnar {
namespace {

constexpr std::uint64_t kReadBytes = 256 << 10;  // stays in the processor's second cache

// The file's first page has no CRC: no other is looked for.
struct NoChecks {};

std::uint32_t CrcOf(const PartBytes& file, const PageHeader& page, const std::stop_token& stop) {
  std::uint64_t crc = 0;
  for (std::uint64_t done = 0; done < page.packed_bytes;) {
    if (stop.stop_requested()) base::ThrowCancelled("verify pages", "");
    const std::string piece =
        file.Read(page.begins_at + done, std::min(kReadBytes, page.packed_bytes - done));
    crc = base::ExtendCrc(base::CrcKind::kCrc32, crc,
                          std::as_bytes(std::span(piece.data(), piece.size())));
    done += piece.size();
  }
  return static_cast<std::uint32_t>(crc);
}

[[noreturn]] void Refuse(const model::LocalPart& part, std::size_t row_group, std::size_t column,
                         std::string_view what) {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "verify pages",
       .subject = fmt::format("column {} of part {}", column + 1, part.part.key),
       .message = fmt::format("row group {} has {}: its bytes are not those that were written",
                              row_group + 1, what),
       .remedy = "Nothing was committed. Run again with a fresh UNLOAD; if it comes back, look at "
                 "this machine's memory and disk, and at proxies that open TLS."});
}

}  // namespace

std::uint64_t VerifyPages(const model::LocalPart& part, std::stop_token stop) {
  const PartOutline outline = ReadOutline(part);
  const PartBytes file(part);
  std::uint64_t pages = 0;
  for (std::size_t group = 0; group < outline.row_groups.size(); ++group) {
    const auto& chunks = outline.row_groups[group].chunks;
    for (std::size_t column = 0; column < chunks.size(); ++column) {
      try {
        WalkPages(file, chunks[column], [&](const PageHeader& page) {
          if (!page.crc && pages == 0) throw NoChecks();
          if (!page.crc) return;
          if (CrcOf(file, page, stop) != *page.crc) {
            Refuse(part, group, column, "a page whose CRC does not hold");
          }
          ++pages;
        });
      } catch (const NoChecks&) {
        return 0;
      } catch (const BrokenStructure&) {
        // Without checks this is nobody's business here: reading the rows will tell.
        if (pages == 0) return 0;
        Refuse(part, group, column, "no page where one must be");
      }
    }
  }
  return pages;
}

}  // namespace sluice::columnar
