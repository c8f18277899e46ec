// As what each source type lands in PostgreSQL, and how its values go over the wire: the one table
// of types. To add a type, add it here and, for a new wire form, in row_encoder.cc. Pure; any
// thread.
#pragma once
#include <string>
#include <string_view>

#include "model/types.h"

namespace sluice::destinations::postgres {

// PostgreSQL's binary forms of COPY. Format, do not change.
enum class Wire {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kText,   // bytes that may hold no NUL
  kBytea,  // any bytes
  kDate,
  kTime,
  kTimeTz,
  kTimestamp,  // with or without zone
};

// The column's type as PostgreSQL's format_type() writes it: "numeric(18,2)", "timestamp with time
// zone". Throws kUnsupported, naming the column, for what no part can hold.
//
// Texts are `text`: Redshift's lengths count bytes and PostgreSQL's characters, and a length that
// grows needs no change here. SUPER is `json`, which keeps the text as it came; `jsonb` would
// refuse the escape of a NUL and rewrite numbers. Intervals are text, as the source writes them.
std::string TypeOf(const model::Column& column);
Wire WireOf(const model::Column& column);

}  // namespace sluice::destinations::postgres
