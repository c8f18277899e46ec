#include "destinations/lake/lake_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/schema_plan.h"
#include "destinations/type_widening.h"

namespace sluice::destinations::lake {
namespace {

using columnar::FoldName;
using model::TypeKind;

constexpr std::array<std::string_view, 3> kIntegers = {"SMALLINT", "INTEGER", "BIGINT"};
constexpr std::array<std::string_view, 2> kFloats = {"FLOAT", "DOUBLE"};
constexpr TypeSpelling kSpelling = {.integers = kIntegers, .floats = kFloats, .decimal = "DECIMAL"};

// Data files are cast to the commit's types as they are read, so a column widens without them.
class LakeDialect final : public SchemaDialect {
 public:
  std::string TypeOf(const model::Column& column) const override {
    return columnar::EngineType(column);
  }
  bool Widens(std::string_view from, std::string_view to) const override {
    return destinations::Widens(kSpelling, from, to);
  }
  bool IsDecimal(std::string_view type) const override {
    return destinations::IsDecimal(kSpelling, type);
  }
  std::string Fold(std::string_view name) const override { return FoldName(name); }
  std::string Quote(std::string_view name) const override { return columnar::QuoteName(name); }
  std::string Place() const override { return {}; }
};

void CheckNames(const model::StreamTarget& target) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const std::string& a = target.columns[j].name;
      const std::string& b = target.columns[i].name;
      if (FoldName(a) != FoldName(b)) continue;
      throw base::Error(
          {.code = base::ErrorCode::kUnsupported,
           .operation = "prepare table",
           .subject = "table " + target.table.ToString(),
           .message =
               fmt::format("columns {} and {} are the same to most readers of Parquet", a, b),
           .remedy = "Leave one of them out of the stream's `columns`, or rename it in a query "
                     "stream.",
           .reason = "names_clash"});
    }
  }
}

// The table's columns once the plan is carried out; `before` are those that are there.
std::vector<LakeColumn> Columns(const model::StreamTarget& target, const SchemaPlan& plan,
                                const LakeCommit* before) {
  using Table = SchemaPlan::Table;
  const auto source_type = [&](const std::string& there) {
    for (std::size_t i = 0; i < target.columns.size(); ++i) {
      const model::Type& type = target.columns[i].type;
      const bool unknown = type.kind == TypeKind::kDecimal && type.precision == 0;
      if (plan.lands_in[i] == there && !unknown) return model::ToString(type);
    }
    return std::string();
  };
  std::vector<LakeColumn> columns;
  if (plan.table == Table::kCreate || plan.table == Table::kReplace) {
    for (const model::Column& column : target.columns) {
      columns.push_back({column.name, columnar::EngineType(column), model::ToString(column.type)});
    }
    return columns;
  }
  columns = before->columns;
  for (LakeColumn& column : columns) {
    for (const SchemaPlan::Change& change : plan.widened) {
      if (change.name == column.name) column.type = change.type;
    }
    if (auto type = source_type(column.name); !type.empty()) column.source_type = std::move(type);
  }
  for (const SchemaPlan::Change& change : plan.added) {
    columns.push_back({change.name, change.type, source_type(change.name)});
  }
  return columns;
}

bool HasCapitals(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// As what a column of this kind arrives if it needs no conversion but the cast that every reader
// makes; empty: it always needs one.
std::string TakenType(const model::Column& column) {
  switch (column.type.kind) {
    case TypeKind::kInt16: return "INTEGER";  // wider in the part than at the source
    case TypeKind::kBool:
    case TypeKind::kInt32:
    case TypeKind::kInt64:
    case TypeKind::kFloat32:
    case TypeKind::kFloat64:
    case TypeKind::kDecimal:
    case TypeKind::kVarchar:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kGeometry:
    case TypeKind::kGeography: return columnar::EngineType(column);
    // Padded; without its zone; as text.
    case TypeKind::kChar:
    case TypeKind::kTimestampTz:
    case TypeKind::kTime:
    case TypeKind::kTimeTz:
    case TypeKind::kIntervalYearToMonth:
    case TypeKind::kIntervalDayToSecond:
    case TypeKind::kSuper:
    case TypeKind::kVarbyte:
    case TypeKind::kHllSketch: break;
  }
  return {};
}

}  // namespace

ColumnPlan PlanColumns(const model::StreamTarget& target, const LakeCommit* before) {
  CheckNames(target);
  ExistingTable existing;
  if (before != nullptr) {
    for (const LakeColumn& column : before->columns) {
      existing.columns.push_back({column.name, column.type});
    }
    existing.empty = before->rows() == 0;
    // Of another stream's commit nothing is known of this one's columns.
    if (before->stream == target.stream) existing.last_columns = before->stream_columns;
  }
  SchemaPlan plan = PlanSchema(target, existing, LakeDialect());
  return {.columns = Columns(target, plan, before),
          .lands_in = std::move(plan.lands_in),
          .notes = std::move(plan.notes)};
}

bool TakesParts(const model::StreamTarget& target, const ColumnPlan& plan) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    const model::Column& column = target.columns[i];
    if (TakenType(column).empty() || HasCapitals(column.name)) return false;
    if (plan.lands_in[i] != column.name) return false;
  }
  return true;
}

bool IsTakenAs(const model::Column& column, std::string_view file_type) {
  const std::string taken = TakenType(column);
  // Text without an annotation is BLOB in the footer; whether an INT32 says that it holds 16 bits
  // is documented nowhere, so both are taken.
  return file_type == taken || (taken == "VARCHAR" && file_type == "BLOB") ||
         (column.type.kind == TypeKind::kInt16 && file_type == "SMALLINT");
}

}  // namespace sluice::destinations::lake
