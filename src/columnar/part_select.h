// Parquet parts as one SELECT with the source's column types. Pure, ExplainFailure apart.
#pragma once
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "columnar/database.h"
#include "columnar/footer.h"
#include "model/part.h"
#include "model/types.h"

namespace sluice::columnar {

struct CheckedPart {
  model::LocalPart part;
  Footer footer;
};

// Reads the footers and checks them against `columns`; throws as ReadFooter and CheckFooter do.
std::vector<CheckedPart> CheckParts(Connection& connection, std::span<const model::LocalPart> parts,
                                    std::span<const model::Column> columns, std::stop_token stop);

// "SELECT ... FROM read_parquet([...])": every column of `columns`, in order, of type EngineType
// and under its own name. Columns are taken by position: names in the file have been checked, and
// DuckDB renames those that clash after folding. REQUIRES: at least one part; all from CheckParts
// with the same `columns`.
std::string PartSelect(std::span<const CheckedPart> parts, std::span<const model::Column> columns);

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
