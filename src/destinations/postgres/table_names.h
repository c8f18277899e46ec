// Names of the tables that a load makes for itself. Format, do not change: what a dead process left
// is found by them. They are made of the stream's name, so that its next load finds its own.
#pragma once
#include <string>
#include <string_view>

#include "destinations/own_schema.h"
#include "model/types.h"

namespace sluice::destinations::postgres {

inline constexpr std::string_view kStateSchema = kOwnSchema;

struct OwnTables {
  // Becomes the target: in its schema, for the sake of default privileges there.
  model::TableName fresh;
  // In the state schema: rows and keys that came, and what a merge makes of them.
  model::TableName rows;
  model::TableName keys;
  model::TableName actions;
};

OwnTables OwnTablesOf(const std::string& stream, const std::string& target_schema);

}  // namespace sluice::destinations::postgres
