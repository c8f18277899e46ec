#include "columnar/footer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "columnar/column_type.h"
#include "columnar/part_outline.h"
#include "columnar/sql_text.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;

[[noreturn]] void ThrowMismatch(const model::LocalPart& part, const std::string& column,
                                std::string message) {
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = "check footer",
                     .subject = fmt::format("column {} of part {}", column, part.part.key),
                     .message = std::move(message),
                     .remedy = "The table may have changed since it was described: run again."});
}

bool IsDamage(ErrorCode code) {
  return code != ErrorCode::kCancelled && code != ErrorCode::kPermission &&
         code != ErrorCode::kNotFound && code != ErrorCode::kNoSpace;
}

}  // namespace

Footer ReadFooter(Connection& connection, const model::LocalPart& part, std::stop_token stop) {
  // Before DuckDB sees it: it would build whatever a footer describes.
  const PartOutline outline = ReadOutline(part);
  const Task task{.operation = "read footer", .subject = "part " + part.part.key};
  Result result;
  try {
    result = connection.Run(fmt::format("SELECT name, type, duckdb_type FROM parquet_schema({}) "
                                        "ORDER BY column_id",
                                        QuoteText(EscapeGlob(part.file.string()))),
                            {}, task, stop);
  } catch (const base::Error& error) {
    if (!IsDamage(error.code())) throw;
    // Whatever DuckDB calls it, a footer it cannot read is a damaged part.
    throw base::Error({.code = ErrorCode::kCorrupt,
                       .operation = task.operation,
                       .subject = task.subject,
                       .message = "it is not a Parquet file, or is damaged",
                       .remedy = "Run again: the part is fetched again."});
  }
  Footer footer{.rows = outline.rows, .plain_bytes = outline.plain_bytes(), .columns = {}};
  if (result.rows.empty()) ThrowMismatch(part, "(all)", "the footer has no columns");
  // The first row is the root of the schema, not a column.
  for (std::size_t i = 1; i < result.rows.size(); ++i) {
    auto& row = result.rows[i];
    footer.columns.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or("")});
  }
  return footer;
}

void CheckFooter(const Footer& footer, const model::LocalPart& part,
                 std::span<const model::Column> columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const model::Column& column = columns[i];
    if (i >= footer.columns.size()) {
      ThrowMismatch(part, column.name,
                    fmt::format("it is missing: the part has {} columns, not {}",
                                footer.columns.size(), columns.size()));
    }
    const FileColumn& file = footer.columns[i];
    // Redshift folds aliases unless the session says otherwise, so case alone is no difference.
    if (FoldName(file.name) != FoldName(column.name)) {
      ThrowMismatch(part, column.name,
                    fmt::format("column {} of the part is named {}", i + 1, file.name));
    }
    if (!ReadExpression(column, file.engine_type, "c")) {
      ThrowMismatch(part, column.name,
                    fmt::format("it is {} at the source, but {} ({}) in the part",
                                model::ToString(column.type), file.physical,
                                file.engine_type.empty() ? "nested" : file.engine_type));
    }
  }
  if (footer.columns.size() > columns.size()) {
    ThrowMismatch(part, footer.columns[columns.size()].name,
                  fmt::format("it was not asked for: the part has {} columns, not {}",
                              footer.columns.size(), columns.size()));
  }
}

bool HasUnknownDecimals(std::span<const model::Column> columns) {
  return std::any_of(columns.begin(), columns.end(), [](const model::Column& column) {
    return column.type.kind == model::TypeKind::kDecimal && column.type.precision == 0;
  });
}

std::vector<model::Column> ResolveDecimals(const Footer& footer,
                                           std::span<const model::Column> columns) {
  std::vector<model::Column> resolved(columns.begin(), columns.end());
  for (std::size_t i = 0; i < resolved.size() && i < footer.columns.size(); ++i) {
    model::Type& type = resolved[i].type;
    if (type.kind != model::TypeKind::kDecimal || type.precision != 0) continue;
    int precision = 0;
    int scale = 0;
    if (std::sscanf(footer.columns[i].engine_type.c_str(), "DECIMAL(%d,%d)", &precision, &scale) ==
        2) {
      type.precision = precision;
      type.scale = scale;
    }
  }
  return resolved;
}

}  // namespace sluice::columnar
