// DuckDB's types and names, and its own words in statements. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/sql/dialect.h"

namespace sluice::destinations::duckdb {

class DuckDbDialect final : public sql::Dialect {
 public:
  std::string TypeOf(const model::Column& column) const override;
  // SMALLINT, INTEGER and BIGINT, FLOAT and DOUBLE, decimals.
  bool Widens(std::string_view from, std::string_view to) const override;
  bool IsDecimal(std::string_view type) const override;
  std::string Fold(std::string_view name) const override;
  std::string Quote(std::string_view name) const override;
  std::string Place() const override { return "the DuckDB file"; }

  std::string Put(sql::Statement& statement, sql::Value value) const override;
  std::string PutTime(sql::Statement& statement, std::optional<base::UtcTime> time) const override;
  std::string TextType() const override { return "VARCHAR"; }
  std::string CountType() const override { return "UBIGINT"; }
  std::string TimeType() const override { return "TIMESTAMP WITH TIME ZONE"; }
  std::string StreamKey() const override { return " NOT NULL"; }
  std::string StateColumnsText() const override;
  std::string Micros(const std::string& column) const override;
  std::string RowId() const override { return "rowid"; }
  // NaN equals itself to DuckDB, and the sign tells zeros apart. DuckDB may store the one as the
  // other (its Constant and RLE segments do); then such a row counts as updated when it comes
  // again, which is better than a change that is missed.
  std::string Differ(const std::string& mine, const std::string& theirs,
                     model::TypeKind kind) const override;
  std::vector<std::string> GreatestFirst(const std::string& value,
                                         model::TypeKind kind) const override;
  std::string Before(const std::string& mine, const std::string& theirs,
                     model::TypeKind kind) const override;
  std::string Moment(const std::string& value, model::TypeKind kind) const override;
  std::string MakeActions(const std::string& table) const override;
  std::string ActionType() const override { return "TINYINT"; }
};

// The one there is.
const DuckDbDialect& TheDialect();

}  // namespace sluice::destinations::duckdb
