// A row that the catalog answers, read by what asks it. Pure.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redshift {

using Row = std::vector<std::optional<std::string>>;

// What stands in `column`; "" if it is NULL or the row has no such column.
inline std::string Text(const Row& row, std::size_t column) {
  return column < row.size() ? row[column].value_or("") : std::string();
}

// Names of the tables in which Redshift keeps what a materialized view holds begin with this.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-create-sql-command.html
inline constexpr std::string_view kMaterializedViewStorage = "mv_tbl__";

}  // namespace sluice::redshift
