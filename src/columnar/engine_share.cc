#include "columnar/engine_share.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace sluice::columnar {
namespace {

constexpr std::uint64_t kSliceBytes = 16ULL << 20;
constexpr std::uint64_t kBlockBytes = 256ULL << 10;
constexpr int kLeastMb = 64;
// Within its limit, beside the rows: pages and what a table needs anyway.
constexpr int kAlongsideMb = 32;

int Mb(std::uint64_t bytes) {
  return static_cast<int>(std::min<std::uint64_t>((bytes >> 20U) + 1, 1U << 24U));
}

[[noreturn]] void ThrowTooWide(const std::string& subject, std::string what, int memory_mb) {
  // Rounded up, so that a little more of the same does not need it again.
  const int told = (memory_mb * 11 / 10 + 99) / 100 * 100;
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "load",
                     .subject = subject,
                     .message = std::move(what),
                     .remedy = fmt::format("Set limits.memory_mb to {} or more, or leave the "
                                           "column with the long values out of the stream's "
                                           "`columns`. Nothing was changed.",
                                           told),
                     .reason = "wide_rows"});
}

}  // namespace

EngineShare ShareForRows(const EngineShare& configured, const Width& width,
                         const std::string& subject) {
  if (width.window_bytes <= kWideWindowBytes) return configured;
  const int wide = Mb(width.window_bytes);
  const int beside = wide * 6 / 5;                   // unfolded, or on its way to the log
  const int within = wide * 11 / 10 + kAlongsideMb;  // pinned while it is written
  const int room = configured.memory_limit_mb + kReservedMb + kBeyondMb - kBesideMb - beside;
  const int limit = std::min(configured.memory_limit_mb, room);
  if (limit < within) {
    const int needed = std::max(within + beside + kBesideMb - kBeyondMb, within + kReservedMb);
    ThrowTooWide(subject,
                 fmt::format("its rows are too wide for the memory given: DuckDB holds 2048 of "
                             "them at once, which take up to {} MB here",
                             wide),
                 needed);
  }
  return {.memory_limit_mb = limit, .threads = 1};
}

EngineShare ShareForSlices(const EngineShare& configured, const Width& width,
                           const std::string& subject) {
  if (width.window_bytes <= kWideWindowBytes) return configured;
  // Decoded, copied, waiting, and as a message of the protocol, twice.
  const std::uint64_t slice = std::max(std::min(width.window_bytes, kSliceBytes), width.row_bytes);
  const int beside = Mb(slice) * 6;
  const int room = configured.memory_limit_mb + kReservedMb + kBeyondMb - kBesideMb - beside;
  const int limit = std::min(configured.memory_limit_mb, room);
  if (limit < kLeastMb) {
    ThrowTooWide(subject,
                 fmt::format("one of its rows takes up to {} MB, which is more than fits into the "
                             "memory given",
                             Mb(width.row_bytes)),
                 kLeastMb + beside + kBesideMb - kBeyondMb);
  }
  return {.memory_limit_mb = limit, .threads = 1};
}

std::uint64_t SliceRows(const Width& width, std::uint64_t part_rows) {
  const std::uint64_t in_window = std::min(part_rows, kWindowRows);
  const std::uint64_t bytes = std::max<std::uint64_t>(1, width.window_bytes);
  return std::max<std::uint64_t>(1, in_window * kSliceBytes / bytes);
}

EngineShare ShareForColumns(const EngineShare& configured, std::uint64_t columns,
                            std::uint64_t rows, std::uint64_t row_bytes) {
  const std::uint64_t held = columns * kBlockBytes;
  const int spare = configured.memory_limit_mb / 2;
  if (Mb(held) * configured.threads <= spare) return configured;
  const std::uint64_t touched = std::min(held, rows * row_bytes);
  return {.memory_limit_mb = configured.memory_limit_mb + Mb(held - touched), .threads = 1};
}

}  // namespace sluice::columnar
