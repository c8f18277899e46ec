// DuckDB's types and names for the plan of a schema. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "destinations/schema_plan.h"

namespace sluice::destinations {

class DuckDbDialect final : public SchemaDialect {
 public:
  std::string TypeOf(const model::Column& column) const override;
  // SMALLINT, INTEGER and BIGINT, FLOAT and DOUBLE, decimals.
  bool Widens(std::string_view from, std::string_view to) const override;
  bool IsDecimal(std::string_view type) const override;
  std::string Fold(std::string_view name) const override;
  std::string Quote(std::string_view name) const override;
  std::string Place() const override { return "the DuckDB file"; }
};

}  // namespace sluice::destinations
