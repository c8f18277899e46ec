// What a whole database holds, in a statement for each kind of answer, however many tables there
// are. Any Session; errors are the Session's, unless said.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/types.h"
#include "redshift/catalog.h"
#include "redshift/session.h"

namespace sluice::redshift {

// Tables and views of all schemas but the system's, as ListTables tells of one, by name.
std::vector<TableInfo> ListAllTables(Session& session, std::string_view database,
                                     const base::Call& call);

// As DescribeTables, of all tables of `schemas` (empty: of all but the system's), by name. A
// relation whose columns the catalog hides has none. If svv_all_columns is denied, that is so of
// all.
std::vector<TableDescription> DescribeSchemas(Session& session, std::string_view database,
                                              const std::vector<std::string>& schemas,
                                              const base::Call& call);

template <typename Value>
using ByTable = std::map<model::TableName, Value>;

struct Overview {
  std::vector<SchemaInfo> schemas;       // as ListSchemas: all, whatever is asked for
  std::vector<TableDescription> tables;  // as DescribeSchemas
};
// Both in one statement, where no view is denied.
Overview LookOver(Session& session, std::string_view database,
                  const std::vector<std::string>& schemas, const base::Call& call);

// The declared keys, in order, of the database's own tables. Informational in Redshift: duplicates
// may exist under them. Empty if the server refuses to tell.
ByTable<std::vector<std::string>> PrimaryKeys(Session& session,
                                              const std::vector<std::string>& schemas,
                                              const base::Call& call);

struct TableSize {
  std::uint64_t rows = 0;   // an estimate
  std::uint64_t bytes = 0;  // on the workgroup's disks, in whole megabytes
};
// Of tables that are not empty. Only superusers, and whom they allow, may ask: empty if we may not.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
ByTable<TableSize> TableSizes(Session& session, const std::vector<std::string>& schemas,
                              const base::Call& call);

}  // namespace sluice::redshift
