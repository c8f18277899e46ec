#include "columnar/part_select.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "columnar/column_type.h"
#include "columnar/page_check.h"
#include "columnar/sql_text.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;

std::string InputName(std::size_t column) { return fmt::format("c{}", column); }

constexpr std::string_view kRowNumber = "file_row";

// "read_parquet([...], ...) AS p(c0, c1, ...)"; `numbered`: and kRowNumber.
std::string Source(const std::vector<const CheckedPart*>& parts, std::size_t columns,
                   bool numbered = false) {
  std::string files;
  for (const CheckedPart* part : parts) {
    if (!files.empty()) files += ", ";
    files += QuoteText(EscapeGlob(part->part.file.string()));
  }
  std::string names;
  for (std::size_t i = 0; i < columns; ++i) {
    if (i > 0) names += ", ";
    names += InputName(i);
  }
  // Folders named "key=value" must not add columns, and text without an annotation is text.
  return fmt::format(
      "read_parquet([{}], hive_partitioning = false, union_by_name = false, "
      "binary_as_string = true{}) AS p({}{})",
      files, numbered ? ", file_row_number = true" : "", names,
      numbered ? fmt::format(", {}", kRowNumber) : "");
}

std::string Expression(const model::Column& column, const Footer& footer, std::size_t i) {
  return ReadExpression(column, footer.columns[i].engine_type, InputName(i)).value();
}

std::string SelectAlike(const std::vector<const CheckedPart*>& parts,
                        std::span<const model::Column> columns, bool numbered = false) {
  std::string list;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) list += ", ";
    list += fmt::format("{} AS {}", Expression(columns[i], parts.front()->footer, i),
                        QuoteName(columns[i].name));
  }
  return fmt::format("SELECT {} FROM {}", list, Source(parts, columns.size(), numbered));
}

// The value is the source's, not the part's: of which column of which table is what counts.
base::Error OfColumn(base::ErrorInfo info, const model::Column& column,
                     const std::string& subject) {
  info.subject = fmt::format("column {} of {}", column.name, subject);
  return base::Error(std::move(info));
}

std::string Signature(const Footer& footer) {
  std::string out;
  for (const FileColumn& column : footer.columns) out += column.engine_type + '\n';
  return out;
}

// Columns that cannot make a difference are taken by what the outline says.
constexpr std::uint64_t kNarrowBytes = 64 << 10;

Width MeasuredWidth(Connection& connection, const CheckedPart& part,
                    std::span<const model::Column> columns, std::stop_token stop) {
  std::uint64_t narrow = 0;
  std::string row;
  for (std::size_t i = 0; i < part.width.column_bytes.size(); ++i) {
    if (part.width.column_bytes[i] < kNarrowBytes) {
      narrow += part.width.column_bytes[i];
      continue;
    }
    const bool text = part.footer.columns[i].engine_type != "BLOB";
    row += fmt::format("{}coalesce({}({}), 0)", row.empty() ? "" : " + ",
                       text ? "strlen" : "octet_length", InputName(i));
  }
  const auto result = connection.Run(
      fmt::format("SELECT CAST(max(w) AS UBIGINT), CAST(max(r) AS UBIGINT) FROM (SELECT sum(b) AS "
                  "w, max(b) AS r FROM (SELECT {} AS b, {} AS n FROM {}) GROUP BY n // {})",
                  row, kRowNumber, Source({&part}, columns.size(), true), kWindowRows),
      {}, {.operation = "read part", .subject = "part " + part.part.part.key}, stop);
  const auto number = [&](std::size_t i) {
    const auto& text = result.rows.at(0).at(i);
    return narrow + (text ? std::stoull(*text) : 0);
  };
  return {.window_bytes = number(0), .row_bytes = number(1)};
}

}  // namespace

std::vector<CheckedPart> CheckParts(Connection& connection, std::span<const model::LocalPart> parts,
                                    std::span<const model::Column> columns, std::stop_token stop) {
  std::vector<CheckedPart> out;
  for (const model::LocalPart& part : parts) {
    VerifyPages(part, stop);
    Footer footer = ReadFooter(connection, part, stop);
    CheckFooter(footer, part, columns);
    PartWidth width = MeasureWidth(part, ReadOutline(part));
    out.push_back({part, std::move(footer), std::move(width)});
  }
  return out;
}

std::string PartSelect(std::span<const CheckedPart> parts, std::span<const model::Column> columns) {
  // DuckDB takes the types of the first file for all of a list, so only parts alike share one.
  std::map<std::string, std::vector<const CheckedPart*>> alike;
  for (const CheckedPart& part : parts) alike[Signature(part.footer)].push_back(&part);
  std::string sql;
  for (const auto& [signature, group] : alike) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += SelectAlike(group, columns);
  }
  return sql;
}

bool WidthTally::MayBeWide(std::span<const CheckedPart> parts) {
  return std::any_of(parts.begin(), parts.end(), [](const CheckedPart& part) {
    return part.width.window_bytes > kWideWindowBytes;
  });
}

const Width& WidthTally::Add(Connection& connection, std::span<const CheckedPart> parts,
                             std::span<const model::Column> columns, std::stop_token stop) {
  for (const CheckedPart& part : parts) {
    const std::uint64_t rows = part.footer.rows;
    if (rows == 0) continue;
    Width width{part.width.window_bytes, part.width.window_bytes};
    if (MayBeWide({&part, 1})) width = MeasuredWidth(connection, part, columns, stop);
    width_.row_bytes = std::max(width_.row_bytes, width.row_bytes);
    width_.window_bytes = std::max(width_.window_bytes, width.window_bytes);
    if (rows >= kWindowRows) continue;
    small_bytes_ += width.window_bytes;
    small_rows_ += rows;
    small_row_bytes_ = std::max(small_row_bytes_, width.window_bytes / rows + 1);
  }
  const std::uint64_t most = std::min(small_rows_, kWindowRows) * small_row_bytes_;
  width_.window_bytes = std::max(width_.window_bytes, std::min(small_bytes_, most));
  return width_;
}

std::string SliceSelect(const CheckedPart& part, std::span<const model::Column> columns,
                        std::uint64_t from, std::uint64_t to) {
  return fmt::format("{} WHERE {} >= {} AND {} < {}", SelectAlike({&part}, columns, true),
                     kRowNumber, from, kRowNumber, to);
}

base::Error ExplainFailure(Connection& connection, const base::Error& error,
                           std::span<const CheckedPart> parts,
                           std::span<const model::Column> columns, std::stop_token stop) {
  const ErrorCode code = error.code();
  const bool range = error.info().reason == kTimeRange;
  if (!range && code != ErrorCode::kCorrupt && code != ErrorCode::kDestination) return error;
  if (error.info().message == kOutOfMemoryMessage) return error;
  for (const CheckedPart& part : parts) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Task task{
          .operation = "read part",
          .subject = fmt::format("column {} of part {}", columns[i].name, part.part.part.key)};
      try {
        connection.Run(
            fmt::format("SELECT CAST(bit_xor(hash({})) AS UBIGINT) FROM {}",
                        Expression(columns[i], part.footer, i), Source({&part}, columns.size())),
            {}, task, stop);
      } catch (const base::Error& found) {
        if (found.code() == ErrorCode::kCancelled) return found;
        if (found.info().message == kOutOfMemoryMessage) return error;
        base::ErrorInfo info = found.info();
        if (info.reason == kTimeRange) return OfColumn(info, columns[i], error.info().subject);
        if (info.code != ErrorCode::kCorrupt) info.message = "its data cannot be read";
        info.code = ErrorCode::kCorrupt;
        info.remedy = "Run again with a fresh UNLOAD; if it stays, report it.";
        return base::Error(info);
      }
    }
  }
  return error;
}

void RequireTimesInRange(Connection& connection, const model::LocalPart& part,
                         std::span<const model::Column> columns, std::span<const std::size_t> which,
                         const Task& task, std::stop_token stop) {
  const CheckedPart checked{part, {}};
  for (const std::size_t i : which) {
    try {
      connection.Run(fmt::format("SELECT CAST(bit_xor(hash({})) AS UBIGINT) FROM {}",
                                 ReadExpression(columns[i], "TIMESTAMP", InputName(i)).value(),
                                 Source({&checked}, columns.size())),
                     {}, task, stop);
    } catch (const base::Error& error) {
      if (error.info().reason != kTimeRange) throw;
      throw OfColumn(error.info(), columns[i], task.subject);
    }
  }
}

}  // namespace sluice::columnar
