// PostgreSQL's types and names, and its own words in statements. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "destinations/sql/dialect.h"

namespace sluice::destinations::postgres {

class PgDialect final : public sql::Dialect {
 public:
  std::string TypeOf(const model::Column& column) const override;
  // Besides the same type: `numeric` and `character varying` without a length.
  bool Takes(std::string_view there, std::string_view type) const override;
  bool Widens(std::string_view from, std::string_view to) const override;
  bool IsDecimal(std::string_view type) const override;
  std::string Fold(std::string_view name) const override { return std::string(name); }
  std::string Quote(std::string_view name) const override;
  std::string Place() const override { return "the PostgreSQL database"; }

  std::string Put(sql::Statement& statement, sql::Value value) const override;
  std::string PutTime(sql::Statement& statement, std::optional<base::UtcTime> time) const override;
  std::string TextType() const override { return "text"; }
  std::string CountType() const override { return "bigint"; }
  std::string TimeType() const override { return "timestamptz"; }
  std::string StreamKey() const override { return " PRIMARY KEY"; }
  std::string StateColumnsText() const override;
  std::string Micros(const std::string& column) const override;
  std::string RowId() const override { return "ctid"; }
  // NaN equals itself to PostgreSQL, and the text tells zeros apart. JSON has no equality but that
  // of its text.
  std::string Differ(const std::string& mine, const std::string& theirs,
                     model::TypeKind kind) const override;
  std::vector<std::string> GreatestFirst(const std::string& value,
                                         model::TypeKind kind) const override;
  std::string Before(const std::string& mine, const std::string& theirs,
                     model::TypeKind kind) const override;
  std::string Moment(const std::string& value, model::TypeKind kind) const override;
  std::string MakeActions(const std::string& table) const override;
  std::string ActionType() const override { return "smallint"; }
};

// The one there is.
const PgDialect& TheDialect();

}  // namespace sluice::destinations::postgres
