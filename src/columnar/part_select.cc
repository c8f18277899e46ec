#include "columnar/part_select.h"

#include <fmt/format.h>

#include <map>

#include "columnar/column_type.h"
#include "columnar/page_check.h"
#include "columnar/sql_text.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;

std::string InputName(std::size_t column) { return fmt::format("c{}", column); }

// "read_parquet([...], ...) AS p(c0, c1, ...)".
std::string Source(const std::vector<const CheckedPart*>& parts, std::size_t columns) {
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
      "binary_as_string = true) AS p({})",
      files, names);
}

std::string Expression(const model::Column& column, const Footer& footer, std::size_t i) {
  return ReadExpression(column, footer.columns[i].engine_type, InputName(i)).value();
}

std::string SelectAlike(const std::vector<const CheckedPart*>& parts,
                        std::span<const model::Column> columns) {
  std::string list;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) list += ", ";
    list += fmt::format("{} AS {}", Expression(columns[i], parts.front()->footer, i),
                        QuoteName(columns[i].name));
  }
  return fmt::format("SELECT {} FROM {}", list, Source(parts, columns.size()));
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

}  // namespace

std::vector<CheckedPart> CheckParts(Connection& connection, std::span<const model::LocalPart> parts,
                                    std::span<const model::Column> columns, std::stop_token stop) {
  std::vector<CheckedPart> out;
  for (const model::LocalPart& part : parts) {
    VerifyPages(part, stop);
    Footer footer = ReadFooter(connection, part, stop);
    CheckFooter(footer, part, columns);
    out.push_back({part, std::move(footer)});
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
