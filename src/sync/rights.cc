#include "sync/rights.h"

#include <algorithm>

#include "redshift/quoting.h"
#include "redshift/relations.h"

namespace sluice::sync {
namespace {

using Mask = model::Mask;

bool IsRead(const model::Stream& stream, const std::string& column) {
  if (column == model::kSyncedAt || column == model::kSource) {
    const auto& names = stream.shape.source_names;
    if (std::find(names.begin(), names.end(), column) == names.end()) return false;
  }
  return std::none_of(stream.shape.rules.begin(), stream.shape.rules.end(), [&](const auto& rule) {
    return rule.kind == model::ShapeRule::Kind::kMask && rule.column == column &&
           rule.mask.kind != Mask::Kind::kLast4;
  });
}

// Nothing of the table but some columns is asked for: a filter may name others.
bool ReadsSome(const model::Stream& stream) {
  if (stream.shape.where) return false;
  return !stream.columns.empty() ||
         std::any_of(stream.shape.rules.begin(), stream.shape.rules.end(), [](const auto& rule) {
           return rule.kind == model::ShapeRule::Kind::kExclude ||
                  rule.kind == model::ShapeRule::Kind::kMask;
         });
}

void AddOnce(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

}  // namespace

std::vector<std::string> RightsNeeded(const StreamPlan& plan) {
  const model::Stream& stream = plan.stream;
  std::vector<model::TableName> tables;
  if (stream.table) tables = {*stream.table};
  if (stream.sql) tables = redshift::RelationsIn(*stream.sql);
  std::string columns;
  if (stream.table && ReadsSome(stream)) {
    for (const auto& column : plan.columns_read()) {
      if (!IsRead(stream, column.name)) continue;
      columns += (columns.empty() ? " (" : ", ") + redshift::Ident(column.name);
    }
    if (!columns.empty()) columns += ")";
  }
  std::vector<std::string> rights;
  for (const auto& table : tables) {
    if (table.schema.empty()) continue;
    AddOnce(rights, "USAGE ON SCHEMA " + redshift::Ident(table.schema));
    AddOnce(rights, "SELECT" + columns + " ON " + redshift::Ident(table));
  }
  return rights;
}

}  // namespace sluice::sync
