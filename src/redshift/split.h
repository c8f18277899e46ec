// A large table in pieces: conditions of which each row meets exactly one, so that pieces lack no
// row and share none, whatever the values are. Pure; any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace sluice::redshift {

// By a hash of `keys`: pieces of about one size for any distribution and any type of key. A row
// without a key is in the first. REQUIRES: keys is not empty, pieces >= 1.
// https://docs.aws.amazon.com/redshift/latest/dg/r_FNV_HASH.html
std::vector<std::string> HashPieces(const std::vector<std::string>& keys, int pieces);

// The column of `split` among the stream's. Throws kNotFound if it is not there, kUnsupported for a
// type that has no even steps (texts, floats, bool, ...), with the remedy.
const model::Column& SplitColumn(const model::Stream& stream,
                                 const std::vector<model::Column>& columns);

// One row: the least and the greatest value as text, of the rows that meet `condition` (all, if it
// is empty). To be asked in the transaction that unloads.
std::string BuildBounds(const model::Stream& stream, const std::vector<model::Column>& columns,
                        std::string_view condition);

// By ranges of one width between those two. The first piece is open below and has the rows without
// a value, the last is open above. Fewer than `pieces` if there are fewer values, one (an empty
// condition) if there is nothing to cut. Throws kUnsupported for a date before the year 1.
std::vector<std::string> RangePieces(const model::Column& column,
                                     const std::optional<std::string>& least,
                                     const std::optional<std::string>& greatest, int pieces);

struct ReadSize {
  std::uint64_t rows = 0;
  std::uint64_t row_bytes = 0;  // of one, about: plain, as the first thousand are
};

// One row, for ReadSizeOf: of the rows that meet `condition` (all, if it is empty). To be asked in
// the transaction that unloads. The table's own statistics would tell more cheaply, but
// svv_table_info is not for everyone, and knows neither views nor ranges.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
std::string BuildSize(const model::Stream& stream, const std::vector<model::Column>& columns,
                      std::string_view condition);
ReadSize ReadSizeOf(const std::vector<std::optional<std::string>>& row);

// How fast the stream was read before: so many rows within that time, loaded too.
struct Pace {
  std::uint64_t rows = 0;
  std::chrono::milliseconds took{0};
};
// In how many pieces each takes `piece_max` at most: by `pace` if that was of a minute or more, as
// what is read in seconds tells of little but the connection; else at a speed that is assumed.
// 1..1000.
int PiecesBySize(const ReadSize& size, std::chrono::seconds piece_max,
                 const std::optional<Pace>& pace);

}  // namespace sluice::redshift
