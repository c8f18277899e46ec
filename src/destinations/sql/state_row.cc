#include "destinations/sql/state_row.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace sluice::destinations::sql {
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

std::string FormatNames(std::span<const model::Column> columns) {
  nlohmann::json names = nlohmann::json::array();
  for (const model::Column& column : columns) names.push_back(column.name);
  return names.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<std::vector<std::string>> ParseNames(const std::optional<std::string>& cell) {
  if (!cell) return std::nullopt;
  const auto names = nlohmann::json::parse(*cell, nullptr, /*allow_exceptions=*/false);
  if (!names.is_array()) return std::nullopt;
  std::vector<std::string> out;
  for (const auto& name : names) {
    if (!name.is_string()) return std::nullopt;
    out.push_back(name.get<std::string>());
  }
  return out;
}

}  // namespace sluice::destinations::sql
