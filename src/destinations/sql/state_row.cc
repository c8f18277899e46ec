#include "destinations/sql/state_row.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace sluice::destinations::sql {
namespace {

std::uint64_t ToNumber(const std::optional<std::string>& text) {
  return text ? base::ParseNumber<std::uint64_t>(*text).value_or(0) : 0;
}

// A time that no clock tells counts as none: then the keys are compared again.
std::optional<base::UtcTime> ToTime(const std::optional<std::string>& micros) {
  using Micros = std::chrono::microseconds;
  constexpr auto kMax = std::chrono::duration_cast<Micros>(base::UtcTime::duration::max());
  const auto value = micros ? base::ParseNumber<std::int64_t>(*micros) : std::nullopt;
  if (!value || *value < -kMax.count() || *value > kMax.count()) return std::nullopt;
  return base::UtcTime(std::chrono::duration_cast<base::UtcTime::duration>(Micros(*value)));
}

}  // namespace

Committed ReadStateRow(std::string_view stream,
                       std::span<const std::optional<std::string>, 13> row) {
  return {.watermark = {.stream = std::string(stream),
                        .value = row[2],
                        .cursor = row[8],
                        .keys_compared = ToTime(row[9]),
                        .shape = row[12],
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
