// Parquet parts as one SELECT with the source's column types. Pure, ExplainFailure apart.
#pragma once
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "columnar/database.h"
#include "columnar/footer.h"
#include "columnar/part_outline.h"
#include "model/part.h"
#include "model/types.h"

namespace sluice::columnar {

struct CheckedPart {
  model::LocalPart part;
  Footer footer;
  PartWidth width;
};

// Reads the footers and the headers of all pages, and checks them against `columns`; throws as
// ReadFooter, MeasureWidth and CheckFooter do.
std::vector<CheckedPart> CheckParts(Connection& connection, std::span<const model::LocalPart> parts,
                                    std::span<const model::Column> columns, std::stop_token stop);

// "SELECT ... FROM read_parquet([...])": every column of `columns`, in order, of type EngineType
// and under its own name. Columns are taken by position: names in the file have been checked, and
// DuckDB renames those that clash after folding. REQUIRES: at least one part; all from CheckParts
// with the same `columns`.
std::string PartSelect(std::span<const CheckedPart> parts, std::span<const model::Column> columns);

// How wide rows are, unfolded.
struct Width {
  std::uint64_t window_bytes = 0;  // the most in kWindowRows rows one after another
  std::uint64_t row_bytes = 0;     // the most in one row
};
// Above this it is worth a look, and DuckDB is given what such rows need (engine_share.h).
inline constexpr std::uint64_t kWideWindowBytes = 32ULL << 20;

// Of all parts of a load so far. One thread at a time.
class WidthTally {
 public:
  // Asks DuckDB where the outlines alone would say that rows are wide: a long value among short
  // ones weighs only once. Reads those parts, but keeps no row. Throws as Connection::Run.
  // REQUIRES: as PartSelect.
  const Width& Add(Connection& connection, std::span<const CheckedPart> parts,
                   std::span<const model::Column> columns, std::stop_token stop);
  const Width& width() const { return width_; }
  static bool MayBeWide(std::span<const CheckedPart> parts);

 private:
  Width width_;
  // Small parts come to stand beside each other in one vector, in any order.
  std::uint64_t small_bytes_ = 0;
  std::uint64_t small_rows_ = 0;
  std::uint64_t small_row_bytes_ = 0;
};

// Rows `from` up to, without, `to` of one part, as PartSelect has them.
std::string SliceSelect(const CheckedPart& part, std::span<const model::Column> columns,
                        std::uint64_t from, std::uint64_t to);

// After a statement over `parts` failed with `error`: reads them once more, column by column, to
// find which could not be read. Returns kCorrupt naming part and column (never the value); for a
// time that is out of range kUnsupported, naming column and `error`'s subject; or `error` itself if
// the parts are well. Reads everything: for the path of failure only.
base::Error ExplainFailure(Connection& connection, const base::Error& error,
                           std::span<const CheckedPart> parts,
                           std::span<const model::Column> columns, std::stop_token stop);

// Throws kUnsupported, reason kTimeRange, naming column and `task`'s subject, if one of the columns
// `which` of the part, by number, holds a time that is out of range, as PartSelect does; and what
// `task` names. Of the file only those columns need to be there. REQUIRES: they arrive as
// TIMESTAMP.
void RequireTimesInRange(Connection& connection, const model::LocalPart& part,
                         std::span<const model::Column> columns, std::span<const std::size_t> which,
                         const Task& task, std::stop_token stop);

}  // namespace sluice::columnar
