#include "redshift/cursor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "redshift/quoting.h"
#include "redshift/select.h"
#include "redshift/stream_column.h"

namespace sluice::redshift {
namespace {

using model::TypeKind;

bool CanBeCursor(TypeKind kind) {
  switch (kind) {
    case TypeKind::kInt16:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kDecimal:
    case TypeKind::kChar:
    case TypeKind::kVarchar:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: return true;
    default: return false;
  }
}

bool IsTimeLike(TypeKind kind) {
  return kind == TypeKind::kDate || kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampTz;
}

// Times first: they are what people mean.
std::string Proposals(const std::vector<model::Column>& columns) {
  std::string list;
  for (const bool times : {true, false}) {
    for (const auto& column : columns) {
      if (!CanBeCursor(column.type.kind) || IsTimeLike(column.type.kind) != times) continue;
      if (list.size() > 200) return list + ", ...";
      list += (list.empty() ? "" : ", ") + column.name;
    }
  }
  return list;
}

// A value of the cursor's type. Numbers stand bare, so they must be digits and nothing else.
std::string Value(const model::Column& cursor, const std::string& text) {
  switch (cursor.type.kind) {
    case TypeKind::kDate: return "DATE " + Literal(text);
    case TypeKind::kTimestamp: return "TIMESTAMP " + Literal(text);
    case TypeKind::kTimestampTz: return "TIMESTAMPTZ " + Literal(text);
    case TypeKind::kChar:
    case TypeKind::kVarchar: return Literal(text);
    default: break;
  }
  if (!text.empty() && text.find_first_not_of("-.0123456789") == std::string::npos) return text;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "read the watermark",
                     .subject = "column " + cursor.name,
                     .message = "its value is not a number",
                     .remedy = "Read the stream again: sluice sync --full"});
}

std::string LowExpression(const model::Column& cursor, const CursorRange& range) {
  const std::string low = Value(cursor, *range.low);
  const auto seconds = range.overlap.count();
  if (seconds <= 0 || !IsTimeLike(cursor.type.kind)) return low;
  if (cursor.type.kind == TypeKind::kDate) {
    constexpr std::int64_t kDay = 86400;
    return fmt::format("({} - {})", low, (seconds + kDay - 1) / kDay);
  }
  return fmt::format("({} - INTERVAL '{} seconds')", low, seconds);
}

// The latest value that may be followed, by the server's clock: the session's time zone is UTC, and
// so is SYSDATE, which has none.
std::string Bound(const model::Column& cursor, std::chrono::seconds ahead) {
  const std::string now = ahead.count() == 0
                              ? "SYSDATE"
                              : fmt::format("(SYSDATE + INTERVAL '{} seconds')", ahead.count());
  switch (cursor.type.kind) {
    case TypeKind::kDate: return "CAST(" + now + " AS DATE)";
    case TypeKind::kTimestampTz: return "CAST(" + now + " AS TIMESTAMPTZ)";
    default: return now;
  }
}

bool IsTrue(const std::vector<std::optional<std::string>>& row, std::size_t column) {
  return column < row.size() && row[column] && row[column]->starts_with('t');
}

bool IsText(const model::Column& cursor) {
  return cursor.type.kind == TypeKind::kVarchar || cursor.type.kind == TypeKind::kChar;
}

}  // namespace

bool IsTimeCursor(const model::Column& cursor) { return IsTimeLike(cursor.type.kind); }

const model::Column& CursorColumn(const model::Stream& stream,
                                  const std::vector<model::Column>& columns) {
  const std::string name = stream.cursor.value_or("");
  const std::string proposals = Proposals(columns);
  const std::string instead =
      proposals.empty() ? "No column can be followed: set sync_mode: full_refresh for this stream."
                        : "Follow one of: " + proposals + "; or set sync_mode: full_refresh.";
  const model::Column* column = nullptr;
  try {
    column = &StreamColumn(stream, columns, name, "cursor");
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    info.remedy += "\n" + instead;
    throw base::Error(std::move(info));
  }
  if (CanBeCursor(column->type.kind)) return *column;
  throw base::Error(
      {.code = base::ErrorCode::kUnsupported,
       .operation = "plan",
       .subject = fmt::format("stream {}, cursor {}", stream.name, name),
       .message = fmt::format("a column of type {} cannot be followed: its values have no order to "
                              "rely on",
                              model::ToString(column->type)),
       .remedy = instead,
       .reason = "cursor_type"});
}

std::string BuildMaxCursor(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const CursorRange& range) {
  const model::Column& cursor = CursorColumn(stream, columns);
  const std::string name = Ident(cursor.name);
  const bool bounded = range.ahead_max && IsTimeLike(cursor.type.kind);
  const std::string bound = bounded ? Bound(cursor, *range.ahead_max) : "";
  const std::string max = bounded
                              ? fmt::format("max(CASE WHEN {0} <= {1} THEN {0} END)", name, bound)
                              : "max(" + name + ")";
  std::string items = "CAST(" + max + " AS VARCHAR), ";
  items += range.low ? max + " < " + LowExpression(cursor, range) : "NULL";
  if (bounded) {
    constexpr std::chrono::seconds kClocksDiffer{60};
    items += fmt::format(", count(CASE WHEN {0} > {1} THEN 1 END), max({0}) > {2}, ", name, bound,
                         Bound(cursor, *range.ahead_max + kClocksDiffer));
    items += range.low ? Value(cursor, *range.low) + " > " + bound : "NULL";
  }
  return "SELECT " + items + " FROM " + FromClause(stream, columns, {cursor.name});
}

MaxCursor ReadMaxCursor(const std::vector<std::optional<std::string>>& row) {
  MaxCursor max{.high = row.at(0),
                .went_back = IsTrue(row, 1),
                .far_beyond = IsTrue(row, 3),
                .low_beyond = IsTrue(row, 4)};
  if (row.size() > 2 && row[2]) {
    std::from_chars(row[2]->data(), row[2]->data() + row[2]->size(), max.beyond);
  }
  return max;
}

std::vector<std::string> CursorWarnings(const model::Stream& stream,
                                        const std::vector<model::Column>& columns) {
  const model::Column& cursor = CursorColumn(stream, columns);
  std::vector<std::string> warnings;
  if (IsText(cursor)) {
    warnings.push_back(fmt::format(
        "cursor {} is text, which is compared letter by letter: '9' comes after '10', and 'a' "
        "after "
        "'B'. Rows whose text sorts before the watermark are lost. Follow a number, date or "
        "timestamp; a query can make one: CAST({} AS BIGINT)",
        cursor.name, Ident(cursor.name)));
  }
  if (cursor.type.kind == TypeKind::kDate && stream.write_mode == model::WriteMode::kAppend) {
    warnings.push_back(fmt::format(
        "cursor {} is a date, and write_mode is append: rows that are added to a day after it was "
        "read are lost. Follow a timestamp, or set write_mode: merge and a primary_key, which "
        "reads "
        "the last day again",
        cursor.name));
  }
  return warnings;
}

bool LiesAfter(std::string_view watermark, base::UtcTime time) {
  const auto digits = watermark.find_first_not_of("0123456789");
  if (digits == std::string_view::npos || digits < 4 || digits > 6) return false;
  // "-12-31", and perhaps " 23:59:59...".
  const std::string_view rest = watermark.substr(digits);
  const auto is_digit = [&](std::size_t at) { return rest[at] >= '0' && rest[at] <= '9'; };
  if (rest.size() < 6 || rest[0] != '-' || !is_digit(1) || !is_digit(2) || rest[3] != '-' ||
      !is_digit(4) || !is_digit(5) || (rest.size() > 6 && rest[6] != ' ')) {
    return false;
  }
  if (rest.ends_with("BC")) return false;
  if (digits > 4) return true;
  const std::string then =
      fmt::format("{:%Y-%m-%d %H:%M:%S}",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(
                      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time))));
  return watermark.substr(0, 19) > std::string_view(then);
}

std::string FutureWatermarkWarning(const model::Stream& stream) {
  return fmt::format(
      "it was read up to a value of {} that lies in the future: rows dated before that are not "
      "read "
      "any more. Read it again once: sluice sync {} --full",
      stream.cursor.value_or("its cursor"), stream.name);
}

std::string RangeCondition(const model::Column& cursor, const CursorRange& range) {
  const std::string name = Ident(cursor.name);
  if (range.whole) return range.nulls ? "" : name + " IS NOT NULL";
  std::string condition;
  if (range.high) {
    if (range.low) {
      condition =
          name + (range.low_included ? " >= " : " > ") + LowExpression(cursor, range) + " AND ";
    }
    condition += name + " <= " + Value(cursor, *range.high);
  }
  if (!range.nulls) return condition.empty() ? "1 = 0" : condition;
  return condition.empty() ? name + " IS NULL" : "((" + condition + ") OR " + name + " IS NULL)";
}

bool CanHoldRows(const CursorRange& range) {
  // The server spells one value in one way, so texts that differ at worst cost an UNLOAD of
  // nothing.
  const bool nothing_newer = range.high && range.high == range.low && !range.low_included &&
                             range.overlap <= std::chrono::seconds(0);
  return range.whole || range.nulls || (range.high && !nothing_newer);
}

}  // namespace sluice::redshift
