// Incremental reads: which columns can be followed, and which rows one read asks for. Pure; any
// thread. The server compares; we carry its values as exact text.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "model/stream.h"

namespace sluice::redshift {

// The rows of one read, by their cursor.
struct CursorRange {
  std::optional<std::string> low;   // as the server spelled it; nullopt: from the beginning
  bool low_included = true;         // rows with the very value of `low` come (again)
  std::chrono::seconds overlap{0};  // below `low`, for rows that were committed late; dates: whole
                                    // days, rounded up; numbers and texts: none
  std::optional<std::string> high;  // included; nullopt: no row has a value
  bool nulls = false;               // rows without a value too
};

// The stream's cursor among its columns. Throws kNotFound if it is not there, kUnsupported for a
// type whose order cannot be relied on (floats: NaN; SUPER, times of day, intervals, binary, bool),
// with a proposal: the columns that could serve.
const model::Column& CursorColumn(const model::Stream& stream,
                                  const std::vector<model::Column>& columns);

// One row: the greatest value as text (NULL: none), and whether it lies below `low` less `overlap`
// ('t' or 'f'; NULL without `low`). To be asked in the transaction that unloads.
std::string BuildMaxCursor(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const CursorRange& range);

// The condition on `cursor`, without WHERE.
std::string RangeCondition(const model::Column& cursor, const CursorRange& range);

// False: no row can be in it, so nothing needs to be unloaded.
bool CanHoldRows(const CursorRange& range);

}  // namespace sluice::redshift
