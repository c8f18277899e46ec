#include "sync/run_catalog.h"

#include <utility>

namespace sluice::sync {

RunCatalog::RunCatalog(const std::vector<model::Stream>& streams, std::string database,
                       const base::Clock& clock)
    : database_(std::move(database)), clock_(clock) {
  for (const auto& stream : streams) {
    if (stream.table) schemas_[stream.table->schema].tables.push_back(stream.table->table);
  }
}

void RunCatalog::Know(redshift::TableDescription description) {
  const std::lock_guard lock(mu_);
  Schema& schema = schemas_[description.name.schema];
  schema.asked = clock_.Steady();
  const std::string table = description.name.table;
  schema.told.insert_or_assign(table, std::move(description));
}

std::vector<model::Column> RunCatalog::Describe(redshift::Session& session,
                                                const model::Stream& stream,
                                                const base::Call& call) {
  if (!stream.table) return redshift::DescribeStream(session, database_, stream, call);
  std::optional<redshift::TableDescription> description;
  {
    const std::lock_guard lock(mu_);
    Schema& schema = schemas_[stream.table->schema];
    const bool first = !schema.asked;
    const bool stale = first || clock_.Steady() - *schema.asked > kFreshFor;
    // Asked again in common only for those whose turn has not come.
    if (first || (stale && schema.told.contains(stream.table->table))) {
      std::vector<std::string> wanted;
      for (const auto& table : schema.tables) {
        if (first || schema.told.contains(table)) wanted.push_back(table);
      }
      schema.told = Ask(session, stream.table->schema, wanted, call);
      schema.asked = clock_.Steady();
    }
    if (auto node = schema.told.extract(stream.table->table)) {
      description = std::move(node.mapped());
    }
  }
  if (description) {
    return redshift::DescribeKnown(session, database_, stream, &*description, call);
  }
  if (denied_) return redshift::DescribeKnown(session, database_, stream, nullptr, call);
  // Shown by no catalog, or asked for once more.
  return redshift::DescribeStream(session, database_, stream, call);
}

std::map<std::string, redshift::TableDescription> RunCatalog::Ask(
    redshift::Session& session, const std::string& schema, const std::vector<std::string>& tables,
    const base::Call& call) {
  if (denied_) return {};
  try {
    return redshift::DescribeTables(session, database_, schema, tables, call);
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::kPermission) throw;
    denied_ = true;
    return {};
  }
}

}  // namespace sluice::sync
