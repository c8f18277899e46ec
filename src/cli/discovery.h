// What a workgroup holds, and how each table would be synced.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "redshift/catalog.h"
#include "redshift/session.h"

namespace sluice::cli {

struct DiscoveredTable {
  model::TableName name;
  std::string type;  // "TABLE", "VIEW", ...
  std::vector<model::Column> columns;
  std::vector<redshift::UnknownColumn> unknown;  // of types that cannot be read
  std::vector<std::string> primary_key;          // as declared; Redshift does not enforce it
  model::SyncMode sync_mode = model::SyncMode::kFullRefresh;  // proposed
  model::WriteMode write_mode = model::WriteMode::kOverwrite;
  bool configured = false;  // a stream of the configuration reads it
};

struct DiscoveredSchema {
  std::string name;
  std::string type;
  std::vector<DiscoveredTable> tables;
};

struct DiscoverOptions {
  std::string database;
  std::vector<std::string> schemas;    // empty: all that can be seen
  std::vector<model::Stream> streams;  // of the configuration
};

// One statement for the schemas, two for each, one for each table's key. Throws kNotFound for a
// schema that is asked for and not visible; errors of the catalog.
std::vector<DiscoveredSchema> Discover(redshift::Session& session, const DiscoverOptions& options,
                                       const base::Call& call);

}  // namespace sluice::cli
