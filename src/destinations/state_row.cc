#include "destinations/state_row.h"

#include <charconv>

namespace sluice::destinations {
namespace {

std::uint64_t ToNumber(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::optional<base::UtcTime> ToTime(const std::optional<std::string>& micros) {
  std::int64_t value = 0;
  if (!micros) return std::nullopt;
  std::from_chars(micros->data(), micros->data() + micros->size(), value);
  return base::UtcTime(
      std::chrono::duration_cast<base::UtcTime::duration>(std::chrono::microseconds(value)));
}

}  // namespace

Committed ReadStateRow(std::string_view stream,
                       std::span<const std::optional<std::string>, 12> row) {
  return {.watermark = {.stream = std::string(stream),
                        .value = row[2],
                        .cursor = row[8],
                        .keys_compared = ToTime(row[9]),
                        .run = row[0].value_or(""),
                        .attempt = row[1].value_or("")},
          .counts = {.inserted = ToNumber(row[3]),
                     .updated = ToNumber(row[4]),
                     .unchanged = ToNumber(row[5]),
                     .deleted = ToNumber(row[6]),
                     .skipped = ToNumber(row[7]),
                     .duplicates = ToNumber(row[10]),
                     .deleted_absent = ToNumber(row[11])}};
}

}  // namespace sluice::destinations
