#include "destinations/lake/lake_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.h"
#include "columnar/column_type.h"
#include "columnar/sql_text.h"

namespace sluice::destinations {
namespace {

using columnar::FoldName;
using model::SchemaPolicy;
using model::TypeKind;

struct Decimal {
  int precision = 0;
  int scale = 0;
};

std::optional<Decimal> ParseDecimal(const std::string& type) {
  Decimal out;
  if (std::sscanf(type.c_str(), "DECIMAL(%d,%d)", &out.precision, &out.scale) != 2) {
    return std::nullopt;
  }
  return out;
}

template <std::size_t N>
bool Climbs(const std::array<std::string_view, N>& ladder, std::string_view from,
            std::string_view to) {
  const auto low = std::find(ladder.begin(), ladder.end(), from);
  return low != ladder.end() && std::find(low + 1, ladder.end(), to) != ladder.end();
}

// Whether every value of `from` can be read as `to`, another type.
bool Widens(const std::string& from, const std::string& to) {
  static constexpr std::array<std::string_view, 3> kIntegers = {"SMALLINT", "INTEGER", "BIGINT"};
  static constexpr std::array<std::string_view, 2> kFloats = {"FLOAT", "DOUBLE"};
  if (Climbs(kIntegers, from, to) || Climbs(kFloats, from, to)) return true;
  const auto low = ParseDecimal(from);
  const auto high = ParseDecimal(to);
  return low && high && high->scale >= low->scale &&
         high->precision - high->scale >= low->precision - low->scale;
}

[[noreturn]] void Refuse(const model::StreamTarget& target, std::string message,
                         std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "prepare table",
                     .subject = "table " + target.table.ToString(),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

void CheckNames(const model::StreamTarget& target) {
  for (std::size_t i = 0; i < target.columns.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const std::string& a = target.columns[j].name;
      const std::string& b = target.columns[i].name;
      if (FoldName(a) != FoldName(b)) continue;
      Refuse(target, fmt::format("columns {} and {} are the same to most readers of Parquet", a, b),
             "Leave one of them out of the stream's `columns`, or rename it in a query stream.");
    }
  }
}

LakeColumn ToLake(const model::Column& column) {
  return {column.name, columnar::EngineType(column), model::ToString(column.type)};
}

// The differences between a stream and the table there.
class Comparison {
 public:
  Comparison(const model::StreamTarget& target, const LakeCommit& before)
      : target_(target), before_(before) {
    plan_.columns = before.columns;
    for (const model::Column& column : target.columns) Compare(column);
    for (const LakeColumn& column : before.columns) {
      const bool kept = std::any_of(
          target.columns.begin(), target.columns.end(),
          [&](const model::Column& c) { return FoldName(c.name) == FoldName(column.name); });
      if (!kept) gone_.push_back(&column);
    }
  }

  ColumnPlan Follow() {
    RefuseAll(refused_);
    for (const LakeColumn& column : added_) {
      plan_.columns.push_back(column);
      plan_.notes.push_back(fmt::format("column {} is new", column.name));
    }
    return Widened();
  }

  ColumnPlan Freeze() {
    RefuseAll(refused_);
    for (std::size_t i = 0; i < target_.columns.size(); ++i) {
      const std::string& name = target_.columns[i].name;
      const bool is_new = std::any_of(added_.begin(), added_.end(),
                                      [&](const LakeColumn& c) { return c.name == name; });
      if (!is_new) continue;
      plan_.lands_in[i] = std::nullopt;
      plan_.notes.push_back(fmt::format("column {} is new and left out (freeze)", name));
    }
    if (added_.size() == target_.columns.size()) {
      RefuseAll({"the table has none of the stream's columns"});
    }
    return Widened();
  }

  ColumnPlan Fail() {
    std::vector<std::string> all = refused_;
    for (const LakeColumn& column : added_) all.push_back("column " + column.name + " is new");
    for (const LakeColumn* column : gone_) {
      all.push_back("column " + column->name + " is gone from the source");
    }
    all.insert(all.end(), widened_.begin(), widened_.end());
    if (const std::string hint = RenameHint(); !hint.empty()) all.push_back(hint);
    RefuseAll(all);
    return plan_;
  }

 private:
  void Compare(const model::Column& column) {
    const LakeColumn now = ToLake(column);
    const auto there = std::find_if(
        plan_.columns.begin(), plan_.columns.end(),
        [&](const LakeColumn& c) { return FoldName(c.name) == FoldName(column.name); });
    if (there == plan_.columns.end()) {
      plan_.lands_in.emplace_back(column.name);
      added_.push_back(now);
      return;
    }
    plan_.lands_in.emplace_back(there->name);
    // A decimal that no part has told the size of has no value either.
    const bool unknown = column.type.kind == TypeKind::kDecimal && column.type.precision == 0;
    if (unknown) return;
    if (there->type == now.type) {
      there->source_type = now.source_type;
      return;
    }
    const std::string text =
        fmt::format("column {} is {} there and {} now", there->name, there->type, now.type);
    const bool decimals = ParseDecimal(there->type) && ParseDecimal(now.type);
    if (Widens(there->type, now.type) || (decimals && before_.rows() == 0)) {
      there->type = now.type;
      there->source_type = now.source_type;
      widened_.push_back(text);
    } else {
      refused_.push_back(text);
    }
  }

  ColumnPlan Widened() {
    if (const std::string hint = RenameHint(); !hint.empty()) plan_.notes.push_back(hint);
    for (const std::string& text : widened_) plan_.notes.push_back(text + ": widened");
    return plan_;
  }

  std::string RenameHint() const {
    if (gone_.size() != 1 || added_.size() != 1 || gone_[0]->type != added_[0].type) return {};
    return fmt::format(
        "column {} is gone and {} is new, both {}: it may have been renamed; rows "
        "that do not come again keep their values in {}",
        gone_[0]->name, added_[0].name, added_[0].type, gone_[0]->name);
  }

  void RefuseAll(const std::vector<std::string>& differences) const {
    if (differences.empty()) return;
    std::string remedy;
    if (target_.schema_policy != SchemaPolicy::kFollow) {
      remedy = "Set `schema_changes: follow` to let the table follow the source. ";
    }
    remedy += fmt::format(
        "To start the table anew: sluice sync {} --full (a full_refresh stream: once with "
        "write_mode: overwrite).",
        target_.stream);
    Refuse(target_, fmt::format("{}", fmt::join(differences, "; ")), std::move(remedy));
  }

  const model::StreamTarget& target_;
  const LakeCommit& before_;
  ColumnPlan plan_;
  std::vector<LakeColumn> added_;
  std::vector<const LakeColumn*> gone_;
  std::vector<std::string> widened_;
  std::vector<std::string> refused_;
};

bool HasCapitals(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// As what a column of this kind arrives if it needs no conversion; empty: it always needs one.
std::string TakenType(const model::Column& column) {
  switch (column.type.kind) {
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
    // Wider than its type; padded; without its zone; as text.
    case TypeKind::kInt16:
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
  const bool overwrites = target.write_mode == model::WriteMode::kOverwrite;
  if (before == nullptr || (overwrites && target.schema_policy == SchemaPolicy::kFollow)) {
    ColumnPlan plan;
    for (const model::Column& column : target.columns) {
      plan.columns.push_back(ToLake(column));
      plan.lands_in.emplace_back(column.name);
    }
    return plan;
  }
  Comparison comparison(target, *before);
  switch (target.schema_policy) {
    case SchemaPolicy::kFollow: return comparison.Follow();
    case SchemaPolicy::kFreeze: return comparison.Freeze();
    case SchemaPolicy::kFail: return comparison.Fail();
  }
  return comparison.Fail();
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
  // Text without an annotation is BLOB in the footer.
  return file_type == taken || (taken == "VARCHAR" && file_type == "BLOB");
}

}  // namespace sluice::destinations
