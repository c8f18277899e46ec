// Incremental reads: which columns can be followed, and which rows one read asks for. Pure; any
// thread. The server compares; we carry its values as exact text.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
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
  // `high` is at most this far after the server's clock (dates and times only; as Stream has it).
  std::optional<std::chrono::seconds> ahead_max;
  // Every row, also above `high`: of a complete merge into rows that are there, which takes one
  // that it does not get for one that was deleted.
  bool whole = false;
};

// Dates and timestamps: what a clock can be compared with.
bool IsTimeCursor(const model::Column& cursor);

// The stream's cursor among its columns. Throws kNotFound if it is not there, kUnsupported for a
// type whose order cannot be relied on (floats: NaN; SUPER, times of day, intervals, binary, bool),
// with a proposal: the columns that could serve.
const model::Column& CursorColumn(const model::Stream& stream,
                                  const std::vector<model::Column>& columns);

// One row, for ReadMaxCursor. To be asked in the transaction that unloads: SYSDATE is that one's
// beginning, so nothing that is stamped after it can be visible in its snapshot without waiting.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SYSDATE.html
std::string BuildMaxCursor(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const CursorRange& range);

struct MaxCursor {
  std::optional<std::string> high;  // the greatest value that may be followed; nullopt: none
  bool went_back = false;           // it lies below `low` less `overlap`
  std::uint64_t beyond = 0;         // rows whose value may not be followed yet
  // One of them lies more than a minute ahead: further than clocks of one network differ.
  bool far_beyond = false;
  bool low_beyond = false;  // `low` itself may not be followed
};
MaxCursor ReadMaxCursor(const std::vector<std::optional<std::string>>& row);

// Where rows may be lost although nothing is wrong: sentences with what to do instead. Empty for a
// cursor that can be relied on.
std::vector<std::string> CursorWarnings(const model::Stream& stream,
                                        const std::vector<model::Column>& columns);

// Whether `watermark`, a date or timestamp as the server spells it, lies after `time`. False for
// any other text.
bool LiesAfter(std::string_view watermark, base::UtcTime time);

// What is told of a stream whose watermark lies in the future, and how it is put right.
std::string FutureWatermarkWarning(const model::Stream& stream);

// The condition on `cursor`, without WHERE.
std::string RangeCondition(const model::Column& cursor, const CursorRange& range);

// False: no row can be in it, so nothing needs to be unloaded.
bool CanHoldRows(const CursorRange& range);

}  // namespace sluice::redshift
