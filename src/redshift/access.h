// Which of the configured tables may be read, and if not, why: one statement for up to 50 of them.
// The catalog's own functions tell what svv_all_columns, which shows only what may be read, cannot:
// that a table is there all the same, and who else may read it.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "redshift/catalog.h"

namespace sluice::redshift {

constexpr std::size_t kTablesPerLookUp = 50;

struct TableAccess {
  model::TableName name;
  bool schema_exists = false;
  bool schema_usage = false;
  bool table_exists = false;  // false for tables of data shares, which only `readable` shows
  // It has no rows of its own: a view, whose text may read what is gone or not granted.
  bool is_view = false;
  bool select = false;  // on the whole table
  std::string owner;
  // A table of the same schema that may be read; empty if there is none.
  std::string sibling;
  // Users of the names asked for who may read it, other than ourselves.
  std::vector<std::string> others;
  std::vector<std::string> columns;          // all of them, in order
  std::optional<TableDescription> readable;  // what svv_all_columns shows of it
};

struct Access {
  std::vector<std::string> usable_schemas;  // without the system's own
  std::vector<TableAccess> tables;          // in the order asked for
};

// `users`: names that the grants may have gone to by mistake; compared without regard to case.
// REQUIRES: at most kTablesPerLookUp tables. Errors are the Session's: a workgroup that refuses the
// catalog's functions gives kSource, kPermission or kUnsupported.
Access LookUpAccess(Session& session, std::string_view database,
                    std::span<const model::TableName> tables, const std::vector<std::string>& users,
                    const base::Call& call);

}  // namespace sluice::redshift
