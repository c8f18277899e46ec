#include "connection/proposal.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/text.h"

namespace sluice::connection {
namespace {

// In small letters without underscores.
constexpr auto kChanged = std::to_array<std::string_view>(
    {"updatedat", "modifiedat", "lastupdatedat", "lastmodifiedat", "lastupdated", "lastmodified",
     "lastupdate", "changedat", "updatedon", "modifiedon", "lastmodifieddate", "systemmodstamp",
     "updatetime", "updatets", "updatedate", "updated", "modified", "modificationtime"});
constexpr auto kCreated = std::to_array<std::string_view>(
    {"createdat", "insertedat", "createdon", "created", "creationtime", "createtime", "loadedat",
     "ingestedat", "eventtime", "occurredat"});

std::string Plain(std::string_view name) {
  std::string plain = base::Lower(name);
  std::erase(plain, '_');
  return plain;
}

bool IsTime(const model::Column& column) {
  return column.type.kind == model::TypeKind::kTimestamp ||
         column.type.kind == model::TypeKind::kTimestampTz;
}

// The first of `names` that a column of a time has.
const model::Column* TimeNamed(const std::vector<model::Column>& columns,
                               std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    for (const auto& column : columns) {
      if (IsTime(column) && Plain(column.name) == name) return &column;
    }
  }
  return nullptr;
}

// id, or order_id of orders.
const model::Column* KeyNamed(const model::TableName& table,
                              const std::vector<model::Column>& columns) {
  std::string one = Plain(table.table);
  const std::string many = one;
  if (one.ends_with("ies")) {
    one = one.substr(0, one.size() - 3) + "y";
  } else if (one.ends_with("s") && !one.ends_with("ss")) {
    one.pop_back();
  }
  for (const std::string& name : {std::string("id"), one + "id", many + "id"}) {
    for (const auto& column : columns) {
      if (Plain(column.name) == name) return &column;
    }
  }
  return nullptr;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

Proposal Propose(const model::TableName& table, const std::vector<model::Column>& columns,
                 const std::vector<std::string>& declared) {
  Proposal proposal;
  const auto* named = KeyNamed(table, columns);
  std::string key;
  if (!declared.empty()) {
    proposal.primary_key = declared;
    key = Listed(declared) + " is the declared key, which Redshift does not enforce";
  } else if (named != nullptr) {
    proposal.primary_key = {named->name};
    key = named->name + " looks like a key by its name";
  }
  const auto* changed = TimeNamed(columns, kChanged);
  const auto* created = TimeNamed(columns, kCreated);
  if (changed != nullptr && !proposal.primary_key.empty()) {
    proposal.cursor = changed->name;
    proposal.sync_mode = model::SyncMode::kIncremental;
    proposal.write_mode = model::WriteMode::kMerge;
    proposal.reason = changed->name + " looks like the time of the last change, and " + key +
                      ": only what changed is read, and merged";
  } else if (changed != nullptr) {
    proposal.reason = changed->name +
                      " looks like the time of the last change, but there is no key to merge by: "
                      "all rows are read each time";
  } else if (created != nullptr) {
    proposal.reason = created->name +
                      " looks like a time that is set once: it would find new rows, not changed "
                      "ones. All rows are read each time, unless rows are never changed";
  }
  if (changed == nullptr && !key.empty()) proposal.reason += "; " + key;
  return proposal;
}

}  // namespace sluice::connection
