// How each source type arrives in Parquet, and as what it lands in DuckDB: the one table of types.
// To add a type, add it here. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"

namespace sluice::columnar {

// The type of the column in DuckDB: "DECIMAL(18,2)", "TIMESTAMP WITH TIME ZONE". Throws
// kUnsupported, naming the column, for what no part can hold (HLLSKETCH).
std::string EngineType(const model::Column& column);

// The expression that turns file column `input` (SQL text), which DuckDB reads as `file_type`, into
// EngineType(column). nullopt: this source type never arrives so, the part is not what it should
// be. Values that do not fit fail the statement; none is changed in silence: times that DuckDB
// cannot hold, infinity too, with reason kTimeRange (engine_error.h).
std::optional<std::string> ReadExpression(const model::Column& column, std::string_view file_type,
                                          const std::string& input);

}  // namespace sluice::columnar
