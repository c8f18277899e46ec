// What a workgroup holds, and how each table would be synced.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "connection/proposal.h"
#include "model/stream.h"
#include "redshift/catalog.h"
#include "redshift/overview.h"
#include "redshift/session.h"

namespace sluice::connection {

struct DiscoveredTable {
  model::TableName name;
  std::string type;  // "TABLE", "VIEW", ...
  std::vector<model::Column> columns;
  std::vector<redshift::UnknownColumn> unknown;  // of types that cannot be read, HLLSKETCH too
  std::vector<std::string> primary_key;          // as declared; Redshift does not enforce it
  Proposal proposal;
  std::optional<redshift::TableSize> size;  // nullopt: it may not be asked for, or there is no row
  // Of the declared key, if it was tested: how many of its values stand in more than one row.
  std::optional<std::uint64_t> doubled_keys;
  bool configured = false;  // a stream or a pattern of the configuration reads it
  // The catalog shows no column of it, and its empty select was refused: why. Empty if it is known.
  std::string hidden;
};

// The table's name as `table:` of a stream takes it: pasted into sluice.yaml, or as a text that a
// YAML library writes. "sales.orders"; names that need it stand in double quotes, and the whole in
// single ones where YAML would else read it otherwise ('"a.b".c').
std::string TableText(const model::TableName& name);

// The name alone, as config::ParseTable reads it: for a text that is quoted by who writes it.
std::string TableReference(const model::TableName& name);

struct DiscoveredSchema {
  std::string name;
  std::string type;
  std::vector<DiscoveredTable> tables;
};

struct DiscoverOptions {
  std::string database;
  std::vector<std::string> schemas;    // empty: all that can be seen
  std::vector<model::Stream> streams;  // of the configuration
  // Whether a pattern of it takes such a table; empty: there is none.
  std::function<bool(const redshift::TableInfo&)> chosen = {};
  // Counts the values that stand more than once in the declared key: reads that column of all rows.
  bool verify_keys = false;
  std::function<void(const DiscoveredSchema&)> on_schema = {};  // told each as it is described
};

// Three statements for all tables: schemas with columns, keys, sizes. One more for each view that
// the catalog describes in part, for each relation whose columns it hides, and for each key to
// verify. What a stream of the configuration reads is described although no list shows it. Throws
// kNotFound for a schema that is asked for and not visible; errors of the catalog.
std::vector<DiscoveredSchema> Discover(redshift::Session& session, const DiscoverOptions& options,
                                       const base::Call& call);

}  // namespace sluice::connection
