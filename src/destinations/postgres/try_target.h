// What a load will be allowed to do to its table, tried out in a transaction that is undone.
#pragma once
#include "destinations/postgres/session.h"
#include "model/landing.h"
#include "model/stream.h"

namespace sluice::destinations::postgres {

// What its load would make of the table. Throws what Begin of this target would throw, and what its
// load would meet later: kPermission for a right that is missing, kUnsupported for a column that
// the server fills. Statements that touch rows are only planned (EXPLAIN), by which the server
// looks at every right. REQUIRES: CheckTarget passed; within a transaction that the caller undoes.
model::Landing TryTarget(Session& session, const model::StreamTarget& target, const Task& task,
                         const base::Call& call);

// The same of the table of watermarks. REQUIRES: it exists.
void TryState(Session& session, const Task& task, const base::Call& call);

}  // namespace sluice::destinations::postgres
