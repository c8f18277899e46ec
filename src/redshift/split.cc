#include "redshift/split.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "redshift/cursor.h"
#include "redshift/quoting.h"
#include "redshift/select.h"
#include "redshift/stream_column.h"

namespace sluice::redshift {
namespace {

using model::TypeKind;
// A value counted in the column's least step: units of the last decimal place, days, microseconds.
// 38 digits fit.
__extension__ using Steps = __int128;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;

bool HasSteps(TypeKind kind) {
  switch (kind) {
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kDecimal:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: return true;
    default: return false;
  }
}

[[noreturn]] void CannotCut(const model::Column& column, std::string message) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "split the stream",
                     .subject = "column " + column.name,
                     .message = std::move(message),
                     .remedy = "Split by the primary key instead: split: { pieces: 8 }",
                     .reason = "split_type"});
}

// Digits, with a sign and a point perhaps; `scale` digits count behind the point.
std::optional<Steps> ReadNumber(std::string_view text, int scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  Steps value = 0;
  int behind = -1;
  for (const char c : text) {
    if (c == '.' && behind < 0) {
      behind = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
    if (behind >= 0) ++behind;
  }
  for (int i = std::max(behind, 0); i < scale; ++i) value *= 10;
  return negative ? -value : value;
}

std::string WriteNumber(Steps value, int scale) {
  const bool negative = value < 0;
  std::string digits;
  for (Steps rest = negative ? -value : value; rest > 0; rest /= 10) {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  while (digits.size() < static_cast<std::size_t>(scale) + 1) digits += '0';
  if (scale > 0) digits.insert(static_cast<std::size_t>(scale), 1, '.');
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<int> ReadPart(std::string_view text, std::size_t at, std::size_t size) {
  if (text.size() < at + size) return std::nullopt;
  int value = 0;
  const char* end = text.data() + at + size;
  if (std::from_chars(text.data() + at, end, value).ptr != end) return std::nullopt;
  return value;
}

// "2026-01-31", "2026-01-31 23:59:59.000001", "...+00": days, or microseconds if `time`.
std::optional<Steps> ReadTime(std::string_view text, bool time) {
  const auto year = ReadPart(text, 0, 4);
  const auto month = ReadPart(text, 5, 2);
  const auto day = ReadPart(text, 8, 2);
  if (!year || !month || !day || text.size() < 10 || text[4] != '-' || text.ends_with("BC")) {
    return std::nullopt;
  }
  const std::chrono::sys_days date = std::chrono::year(*year) /
                                     std::chrono::month(static_cast<unsigned>(*month)) /
                                     std::chrono::day(static_cast<unsigned>(*day));
  const Steps days = date.time_since_epoch().count();
  if (!time) return days;
  const auto hour = ReadPart(text, 11, 2);
  const auto minute = ReadPart(text, 14, 2);
  const auto second = ReadPart(text, 17, 2);
  if (!hour || !minute || !second) return std::nullopt;
  std::int64_t micros = 0;
  if (text.size() > 20 && text[19] == '.') {
    std::string fraction(text.substr(20, text.find_first_not_of("0123456789", 20) - 20));
    fraction.resize(6, '0');
    micros = std::stoll(fraction);
  }
  const Steps seconds = ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
  return seconds * kMicrosPerSecond + micros;
}

std::string WriteTime(Steps value, bool time) {
  const auto day_steps = time ? Steps(86400) * kMicrosPerSecond : Steps(1);
  Steps days = value / day_steps;
  if (value % day_steps < 0) --days;
  const auto rest = static_cast<std::int64_t>(value - days * day_steps);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (!time) return text;
  const std::int64_t seconds = rest / kMicrosPerSecond;
  return text + fmt::format(" {:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60,
                            seconds % 60, rest % kMicrosPerSecond);
}

// The i-th of n cuts between two values, rounded up. Each is divided before it is multiplied: their
// difference may have more digits than fit.
Steps Between(Steps from, Steps to, int i, int n) {
  const Steps rest = (to % n - from % n) * i;
  const Steps rounded_up = rest > 0 ? (rest + n - 1) / n : rest / n;
  return from - from / n * i + to / n * i + rounded_up;
}

std::optional<Steps> Read(const model::Column& column, const std::string& text) {
  switch (column.type.kind) {
    case TypeKind::kDate: return ReadTime(text, false);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: return ReadTime(text, true);
    default: return ReadNumber(text, column.type.scale);
  }
}

std::string Write(const model::Column& column, Steps value) {
  switch (column.type.kind) {
    case TypeKind::kDate: return "DATE " + Literal(WriteTime(value, false));
    case TypeKind::kTimestamp: return "TIMESTAMP " + Literal(WriteTime(value, true));
    case TypeKind::kTimestampTz: return "TIMESTAMPTZ " + Literal(WriteTime(value, true) + "+00");
    default: return WriteNumber(value, column.type.scale);
  }
}

}  // namespace

std::vector<std::string> HashPieces(const std::vector<std::string>& keys, int pieces) {
  if (pieces == 1) return {""};
  std::string hash;
  for (const auto& key : keys) {
    hash = hash.empty() ? fmt::format("FNV_HASH({})", Ident(key))
                        : fmt::format("FNV_HASH({}, COALESCE({}, 0))", Ident(key), hash);
  }
  // Not the lowest bits, which in FNV are the parity of the bytes' lowest. MOD has the sign of what
  // it divides, and ABS of the least BIGINT overflows: so each piece is a remainder of either sign.
  const std::string remainder = fmt::format("COALESCE(MOD({} / 65536, {}), 0)", hash, pieces);
  std::vector<std::string> conditions;
  conditions.reserve(static_cast<std::size_t>(pieces));
  for (int i = 0; i < pieces; ++i) {
    conditions.push_back(i == 0 ? remainder + " = 0"
                                : fmt::format("{} IN ({}, {})", remainder, i, i - pieces));
  }
  return conditions;
}

const model::Column& SplitColumn(const model::Stream& stream,
                                 const std::vector<model::Column>& columns) {
  const model::Column& column =
      StreamColumn(stream, columns, *stream.split->column, "split.column");
  if (!HasSteps(column.type.kind)) {
    CannotCut(column, "a column of type " + model::ToString(column.type) +
                          " cannot be cut into ranges: numbers, dates and timestamps can");
  }
  return column;
}

std::string BuildBounds(const model::Stream& stream, const std::vector<model::Column>& columns,
                        std::string_view condition) {
  const model::Column& column = SplitColumn(stream, columns);
  const std::string name = Ident(column.name);
  std::string sql = "SELECT CAST(min(" + name + ") AS VARCHAR), CAST(max(" + name +
                    ") AS VARCHAR) FROM " +
                    FromClause(stream, columns, {column.name, stream.cursor.value_or("")});
  if (!condition.empty()) sql += " WHERE " + std::string(condition);
  return sql;
}

std::vector<std::string> RangePieces(const model::Column& column,
                                     const std::optional<std::string>& least,
                                     const std::optional<std::string>& greatest, int pieces) {
  if (!least || !greatest) return {""};
  const auto from = Read(column, *least);
  const auto to = Read(column, *greatest);
  if (!from || !to) CannotCut(column, "its least or greatest value is not one that can be counted");
  std::vector<std::string> bounds;  // each piece begins at one, but for the first
  Steps last = *from;
  for (int i = 1; i < pieces; ++i) {
    const Steps bound = Between(*from, *to, i, pieces);
    if (bound <= last || bound > *to) continue;
    bounds.push_back(Write(column, bound));
    last = bound;
  }
  const std::string name = Ident(column.name);
  if (bounds.empty()) return {""};
  std::vector<std::string> conditions = {
      fmt::format("({0} < {1} OR {0} IS NULL)", name, bounds.front())};
  for (std::size_t i = 1; i < bounds.size(); ++i) {
    conditions.push_back(fmt::format("{0} >= {1} AND {0} < {2}", name, bounds[i - 1], bounds[i]));
  }
  conditions.push_back(fmt::format("{} >= {}", name, bounds.back()));
  return conditions;
}

namespace {

// Bytes of a value, as an expression or a number; assumed where the type does not tell.
std::string Width(const model::Column& column) {
  switch (column.type.kind) {
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kVarbyte: return "COALESCE(OCTET_LENGTH(" + Ident(column.name) + "), 0)";
    case TypeKind::kSuper:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return "512";
    case TypeKind::kDecimal: return "16";
    default: return "8";
  }
}

}  // namespace

std::string BuildSize(const model::Stream& stream, const std::vector<model::Column>& columns,
                      std::string_view condition) {
  std::string widths;
  for (const auto& column : columns) widths += (widths.empty() ? "" : " + ") + Width(column);
  std::string from = FromClause(stream, columns);
  if (!condition.empty()) from += " WHERE " + std::string(condition);
  return fmt::format(
      "SELECT CAST(a.n AS VARCHAR), CAST(b.width AS VARCHAR) FROM (SELECT COUNT(*) AS n FROM {0}) "
      "AS a CROSS JOIN (SELECT CAST(AVG(s.w) AS BIGINT) AS width FROM (SELECT {1} AS w FROM {0} "
      "LIMIT 1000) AS s) AS b",
      from, widths);
}

ReadSize ReadSizeOf(const std::vector<std::optional<std::string>>& row) {
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    if (const auto& cell = row.at(at)) {
      std::from_chars(cell->data(), cell->data() + cell->size(), value);
    }
    return value;
  };
  return {.rows = number(0), .row_bytes = number(1)};
}

int PiecesBySize(const ReadSize& size, std::chrono::seconds piece_max,
                 const std::optional<Pace>& pace) {
  // Assumed, with care: AWS tells none, and a piece too many costs seconds.
  constexpr double kBytesPerSecond = 16.0 * 1024 * 1024;
  constexpr double kPiecesMax = 1000;
  const double bytes = static_cast<double>(size.rows) * static_cast<double>(size.row_bytes);
  double seconds = bytes / kBytesPerSecond;
  if (pace && pace->took >= std::chrono::minutes(1) && pace->rows > 0) {
    seconds = static_cast<double>(size.rows) / static_cast<double>(pace->rows) *
              std::chrono::duration<double>(pace->took).count();
  }
  const double pieces = std::ceil(seconds / static_cast<double>(piece_max.count()));
  return static_cast<int>(std::clamp(pieces, 1.0, kPiecesMax));
}

}  // namespace sluice::redshift
