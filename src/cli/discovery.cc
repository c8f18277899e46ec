#include "cli/discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "redshift/relations.h"

namespace sluice::cli {
namespace {

using redshift::SchemaInfo;

std::vector<SchemaInfo> Wanted(std::vector<SchemaInfo> all, const DiscoverOptions& options) {
  if (options.schemas.empty()) return all;
  std::vector<SchemaInfo> wanted;
  for (const auto& name : options.schemas) {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const SchemaInfo& schema) { return schema.name == name; });
    if (at != all.end()) {
      wanted.push_back(*at);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& schema : all) names.push_back(schema.name);
    const auto near = redshift::NearestName(name, names);
    throw base::Error(
        {.code = base::ErrorCode::kNotFound,
         .operation = "discover",
         .subject = "schema " + name,
         .message = "does not exist, or is not visible to this user",
         .remedy = near ? fmt::format("Did you mean {}?", *near)
                        : "See what is visible: sluice discover\nElse: GRANT USAGE ON SCHEMA."});
  }
  return wanted;
}

bool IsConfigured(const model::TableName& name, const DiscoverOptions& options) {
  return std::any_of(options.streams.begin(), options.streams.end(),
                     [&](const model::Stream& stream) { return stream.table == name; });
}

}  // namespace

std::vector<DiscoveredSchema> Discover(redshift::Session& session, const DiscoverOptions& options,
                                       const base::Call& call) {
  std::vector<DiscoveredSchema> found;
  for (const auto& schema :
       Wanted(redshift::ListSchemas(session, options.database, call), options)) {
    DiscoveredSchema out{.name = schema.name, .type = schema.type, .tables = {}};
    const auto tables = redshift::ListTables(session, options.database, schema.name, call);
    if (tables.empty()) {
      found.push_back(std::move(out));
      continue;
    }
    auto described = redshift::DescribeTables(session, options.database, schema.name, {}, call);
    for (const auto& table : tables) {
      DiscoveredTable entry{.name = table.name, .type = table.type};
      if (const auto at = described.find(table.name.table); at != described.end()) {
        entry.columns = std::move(at->second.columns);
        entry.unknown = std::move(at->second.unknown);
      }
      // Views have none, and asking costs a statement.
      if (table.type == "TABLE") {
        entry.primary_key = redshift::PrimaryKey(session, options.database, table.name, call);
      }
      entry.configured = IsConfigured(table.name, options);
      out.tables.push_back(std::move(entry));
    }
    found.push_back(std::move(out));
  }
  return found;
}

}  // namespace sluice::cli
