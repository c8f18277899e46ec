// The stream's table in PostgreSQL: its names, its definition, what stands there already.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "destinations/postgres/session.h"
#include "destinations/postgres/table_names.h"
#include "destinations/schema_plan.h"
#include "model/stream.h"

namespace sluice::destinations::postgres {

// Names PostgreSQL cannot keep, schemas that are its own or ours, no columns, types that cannot
// land, and under merge a primary key, cursor or soft-delete column that is not among the columns:
// throws kUnsupported, naming what. Pure.
void CheckTarget(const model::StreamTarget& target);

// What stands under the target's name.
struct Standing {
  ExistingTable table;
  std::vector<std::string> filled_by_server;  // generated and identity columns
};

// Throws kUnsupported if something else than a table stands there (it is somebody's, and is not
// replaced), or under merge a table that has parts of its own (partitions, child tables).
// ExistingTable::empty is asked for only where the plan needs it.
Standing ReadStanding(Session& session, const model::StreamTarget& target, const Task& task,
                      const base::Call& call);

// Makes the schema; does nothing if it exists. Returns whether it was made.
bool MakeSchema(Session& session, const std::string& schema, const Task& task,
                const base::Call& call);

// "CREATE TABLE ..." with the stream's columns under their own names.
std::string CreateText(const model::TableName& table, const std::vector<model::Column>& columns);
// "CREATE UNLOGGED TABLE ..." with the columns "c0", "c1", ...: it need not outlive a crash, as no
// load does, and writes no log.
std::string CreateStageText(const model::TableName& table,
                            const std::vector<model::Column>& columns);

// Adds and widens columns as the plan says.
void AlterTable(Session& session, const model::TableName& table, const SchemaPlan& plan,
                const Task& task, const base::Call& call);
// Puts `fresh` under the target's name; `replace`: in the place of the table there, whose grants it
// takes over. REQUIRES: within the load's transaction, the old table locked.
void Swap(Session& session, const OwnTables& own, const model::TableName& table, bool replace,
          const Task& task, const base::Call& call);

// Drops what an earlier load of the stream left.
void DropLeftovers(Session& session, const OwnTables& own, const Task& task,
                   const base::Call& call);

// Who holds a lock on the table, in words: "session 12 (role bob, psql, since ...)"; empty if
// nobody does, or it cannot be seen.
std::string WhoHolds(Session& session, const model::TableName& table);

}  // namespace sluice::destinations::postgres
