// What each stream will do. Deciders are pure; PlanStream asks the catalog.
#pragma once
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

// Throws kInvalidConfig if two streams would land in one table (names compare without case, as
// destinations fold them), naming both.
void CheckTargets(const std::vector<model::Stream>& streams, const RunOptions& options);

// Throws kUnsupported if this program or the destination cannot do what the stream asks for; the
// remedy names what can.
void CheckModes(const model::Stream& stream, const destinations::Capabilities& capabilities);

// How the stream goes on from `committed`, its last commit at the destination. Pure. Throws
// kConflict if that was of another cursor, kUnsupported and kNotFound as redshift::CursorColumn,
// and kNotFound for a primary key that is no column.
StreamPlan DecidePlan(const model::Stream& stream, std::vector<model::Column> columns,
                      std::optional<model::Watermark> committed, const RunOptions& options,
                      base::UtcTime now);

// At most two statements. Errors: those of redshift::DescribeStream, of BuildSelect and above.
StreamPlan PlanStream(redshift::Session& session, RunCatalog& catalog,
                      destinations::Destination& destination, const model::Stream& stream,
                      const RunOptions& options, base::UtcTime now, const base::Call& call);

}  // namespace sluice::sync
