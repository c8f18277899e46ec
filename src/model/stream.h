// What is synced and how. Plain values; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/types.h"

namespace sluice::model {

enum class SyncMode { kFullRefresh, kIncremental };
enum class WriteMode { kOverwrite, kAppend, kMerge };

std::string_view ToString(SyncMode mode);   // "full_refresh", "incremental"
std::string_view ToString(WriteMode mode);  // "overwrite", "append", "merge"

// A table or a query we sync. REQUIRES: exactly one of `table` and `sql`.
struct Stream {
  std::string name;  // unique in a configuration: "sales.orders", "big_spenders"
  std::optional<TableName> table;
  std::optional<std::string> sql;  // one SELECT, no trailing semicolon
  SyncMode sync_mode = SyncMode::kFullRefresh;
  WriteMode write_mode = WriteMode::kOverwrite;
  std::vector<std::string> primary_key;
  std::optional<std::string> cursor;  // column we follow
  std::vector<std::string> columns;   // selection by name; empty: all
};

// Where a stream lands: schema and table at the destination.
// A table keeps its own name; a query's name is its table; `destination.schema` replaces the
// schema.
struct StreamTarget {
  std::string stream;
  TableName table;
  std::vector<Column> columns;
  WriteMode write_mode = WriteMode::kOverwrite;
  std::vector<std::string> primary_key;
};

// The cursor's committed value as exact text, and which run and attempt committed it.
struct Watermark {
  std::string stream;
  std::optional<std::string> value;  // nullopt: full refresh, nothing to follow
  std::string run;
  std::string attempt;
};

}  // namespace sluice::model
