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
// find which could not be read. Returns kCorrupt naming part and column (never the value), or
// `error` itself if the parts are well. Reads everything: for the path of failure only.
base::Error ExplainFailure(Connection& connection, const base::Error& error,
                           std::span<const CheckedPart> parts,
                           std::span<const model::Column> columns, std::stop_token stop);

}  // namespace sluice::columnar
