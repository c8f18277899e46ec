// What a workgroup holds, and how each table would be synced.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "redshift/catalog.h"
#include "redshift/session.h"

namespace sluice::connection {

struct DiscoveredTable {
  model::TableName name;
  std::string type;  // "TABLE", "VIEW", ...
  std::vector<model::Column> columns;
  std::vector<redshift::UnknownColumn> unknown;  // of types that cannot be read, HLLSKETCH too
  std::vector<std::string> primary_key;          // as declared; Redshift does not enforce it
  model::SyncMode sync_mode = model::SyncMode::kFullRefresh;  // proposed
  model::WriteMode write_mode = model::WriteMode::kOverwrite;
  bool configured = false;  // a stream of the configuration reads it
  // The catalog shows no column of it, and its empty select was refused: why. Empty if it is known.
  std::string hidden;
};

// The table's name as `table:` of a stream takes it: pasted into sluice.yaml, or as a text that a
// YAML library writes. "sales.orders"; names that need it stand in double quotes, and the whole in
// single ones where YAML would else read it otherwise ('"a.b".c').
std::string TableText(const model::TableName& name);

struct DiscoveredSchema {
  std::string name;
  std::string type;
  std::vector<DiscoveredTable> tables;
};

struct DiscoverOptions {
  std::string database;
  std::vector<std::string> schemas;                             // empty: all that can be seen
  std::vector<model::Stream> streams;                           // of the configuration
  std::function<void(const DiscoveredSchema&)> on_schema = {};  // told each as it is described
};

// One statement for the schemas, two for each, one for each table's key, one for each view that the
// catalog describes in part and for each relation whose columns it hides. What a stream of the
// configuration reads is described although no list shows it. Throws kNotFound for a schema that is
// asked for and not visible; errors of the catalog.
std::vector<DiscoveredSchema> Discover(redshift::Session& session, const DiscoverOptions& options,
                                       const base::Call& call);

}  // namespace sluice::connection
