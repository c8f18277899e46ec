// What each stream will do, or why it cannot: the one plan that a sync, its --dry-run and `check`
// make. Deciders are pure; Foresee asks the catalog and the destination.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "destinations/destination.h"
#include "redshift/session.h"
#include "sync/run.h"
#include "sync/run_catalog.h"

namespace sluice::sync {

// Where a stream lands: its own table name (a query: the stream's name) beneath
// `destination_schema`, else its own schema (a query: "main").
model::TableName TargetOf(const model::Stream& stream, const RunOptions& options);

// For each stream that would land in the table of one before it: why not (kInvalidConfig, reason
// "one_target"), naming both. Names compare without case, as destinations fold them.
std::vector<base::ErrorInfo> TargetClashes(const std::vector<model::Stream>& streams,
                                           const RunOptions& options);
// Throws the first of them.
void CheckTargets(const std::vector<model::Stream>& streams, const RunOptions& options);

// Throws kUnsupported (reason "stream_mode") if the destination cannot do what the stream asks for;
// the remedy names what can.
void CheckModes(const model::Stream& stream, const destinations::Capabilities& capabilities);

// Where in the configuration a stream names a column: "cursor", "primary_key", "split.column",
// "deletes.column".
struct NamedColumn {
  std::string field;
  std::string name;
};
// Those that the stream's modes need.
std::vector<NamedColumn> ColumnsNeeded(const model::Stream& stream);
// Those that they do not: a mistake in one does no harm to a sync as it is.
std::vector<NamedColumn> ColumnsIgnored(const model::Stream& stream);

// How the stream `asked` for, of the source's `columns`, goes on from `committed`, its last commit
// at the destination. Pure. Throws kConflict if that was of another cursor (reason "other_cursor"),
// or of another filter or other hidden values (reason "other_shape"), kNotFound for a column that
// it needs and does not have, and as redshift::ApplyShape, CursorColumn, SplitColumn and
// BuildSelect.
StreamPlan DecidePlan(const model::Stream& asked, const std::vector<model::Column>& columns,
                      std::optional<model::Watermark> committed, const RunOptions& options,
                      base::UtcTime now);

struct Foreseen {
  // Also beside an error, if that is of running what it says.
  std::optional<StreamPlan> plan;
  // What stands in the way: of CheckModes, redshift::DescribeStream, DecidePlan or of the
  // destination; or the source cannot run the stream's shape (reason "shape").
  std::optional<base::ErrorInfo> error;
  bool at_destination = false;  // it is the destination that stands in the way
};
// At most two statements, and one more for a stream with a filter or changed values. `destination`
// may be null: then nothing is asked of it, and the stream is planned as its first sync. Throws
// nothing but kCancelled.
Foreseen Foresee(redshift::Session& session, RunCatalog& catalog,
                 destinations::Destination* destination, const model::Stream& stream,
                 const RunOptions& options, base::UtcTime now, const base::Call& call);

// The plan that Foresee makes, or its error thrown.
StreamPlan PlanStream(redshift::Session& session, RunCatalog& catalog,
                      destinations::Destination& destination, const model::Stream& stream,
                      const RunOptions& options, base::UtcTime now, const base::Call& call);

}  // namespace sluice::sync
