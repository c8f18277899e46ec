#include "redshift/cursor.h"

#include <fmt/format.h>

#include <algorithm>

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
                     .remedy = "Read the stream anew: sluice sync --full"});
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

}  // namespace

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
  const std::string max = "max(" + Ident(cursor.name) + ")";
  std::string below = "NULL";
  if (range.low) below = max + " < " + LowExpression(cursor, range);
  return "SELECT CAST(" + max + " AS VARCHAR), " + below + " FROM " + FromClause(stream, columns);
}

std::string RangeCondition(const model::Column& cursor, const CursorRange& range) {
  const std::string name = Ident(cursor.name);
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
  return range.nulls || (range.high && !nothing_newer);
}

}  // namespace sluice::redshift
