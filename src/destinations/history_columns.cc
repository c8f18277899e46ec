#include "destinations/history_columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "destinations/target_check.h"

namespace sluice::destinations {
namespace {

bool Has(const ExistingTable& existing, const model::Column& column, const SchemaDialect& dialect) {
  return std::any_of(existing.columns.begin(), existing.columns.end(), [&](const auto& there) {
    return dialect.Fold(there.name) == dialect.Fold(column.name) &&
           there.type == dialect.TypeOf(column);
  });
}

bool KeepsHistory(const ExistingTable& existing, const SchemaDialect& dialect) {
  const auto columns = HistoryColumns();
  return std::all_of(columns.begin(), columns.end(),
                     [&](const model::Column& column) { return Has(existing, column, dialect); });
}

// A table of the source's own with such columns.
bool BringsThem(const model::StreamTarget& target, const SchemaDialect& dialect) {
  return std::any_of(
      target.columns.begin(), target.columns.end(),
      [&](const model::Column& column) { return IsHistoryColumn(column.name, dialect); });
}

}  // namespace

std::vector<model::Column> HistoryColumns() {
  return {{std::string(kValidFrom), {.kind = model::TypeKind::kTimestamp}},
          {std::string(kValidTo), {.kind = model::TypeKind::kTimestamp}},
          {std::string(kIsCurrent), {.kind = model::TypeKind::kBool}}};
}

std::vector<model::Column> ColumnsThere(const model::StreamTarget& target) {
  std::vector<model::Column> columns = target.columns;
  if (target.write_mode != model::WriteMode::kHistory) return columns;
  for (model::Column& column : HistoryColumns()) columns.push_back(std::move(column));
  return columns;
}

bool IsHistoryColumn(std::string_view name, const SchemaDialect& dialect) {
  const auto is = [&](std::string_view one) { return dialect.Fold(name) == dialect.Fold(one); };
  return is(kValidFrom) || is(kValidTo) || is(kIsCurrent);
}

void RequireOwnNames(const model::StreamTarget& target, const SchemaDialect& dialect) {
  if (target.write_mode != model::WriteMode::kHistory) return;
  for (const model::Column& column : target.columns) {
    if (!IsHistoryColumn(column.name, dialect)) continue;
    ThrowUnsupported("stream " + target.stream,
                     fmt::format("column {} has a name that write_mode history gives a column of "
                                 "its own",
                                 column.name),
                     "Leave it out of the stream's `columns`, or rename it in a query "
                     "(`sql: SELECT ... AS ...`).",
                     "names_clash");
  }
}

void RequireSameKeeping(const model::StreamTarget& target, const ExistingTable& existing,
                        const SchemaDialect& dialect) {
  if (existing.columns.empty()) return;
  const std::string subject = "table " + target.table.ToString();
  const bool keeps = KeepsHistory(existing, dialect);
  if (target.write_mode == model::WriteMode::kHistory) {
    if (keeps) return;
    ThrowUnsupported(
        subject,
        fmt::format("it stands there without history: it has no columns {}, {} and {} of the types "
                    "that write_mode history gives them",
                    kValidFrom, kValidTo, kIsCurrent),
        fmt::format("Rename or drop it at the destination, then run: sluice sync {} --full",
                    target.stream),
        "history_table");
  }
  if (!keeps || BringsThem(target, dialect)) return;
  ThrowUnsupported(
      subject,
      fmt::format("it keeps the history of its rows, which write_mode {} would destroy",
                  model::ToString(target.write_mode)),
      "Set `write_mode: history` for the stream; or rename or drop the table at the destination.",
      "history_table");
}

}  // namespace sluice::destinations
