// What is synced and how. Plain values; any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/shape.h"
#include "model/types.h"

namespace sluice::model {

enum class SyncMode { kFullRefresh, kIncremental };
enum class WriteMode {
  kOverwrite,
  kAppend,
  kMerge,
  kHistory,  // one row per version of a key: SCD type 2 (docs/adr/0013-history.md)
};

std::string_view ToString(SyncMode mode);  // "full_refresh", "incremental"
// "overwrite", "append", "merge", "history"
std::string_view ToString(WriteMode mode);
// Rows meet those that are there by their primary key: merge and history.
bool MeetsByKey(WriteMode mode);

// What to do when the source's columns are not those at the destination.
enum class SchemaPolicy {
  kFollow,  // add new columns, keep dropped ones as NULL, widen; refuse what would lose values
  kFreeze,  // bring only the columns that the destination has already
  kFail,    // any difference is an error
};

// How rows that the source deleted are noticed at the destination. Merge and history only: there,
// "removed" means that the key's current version ends.
struct DeletePolicy {
  // Soft delete, a column of the stream: a bool is true, any other type is not NULL, if deleted.
  std::optional<std::string> column;
  bool keep_flagged = false;  // such rows stay with their flag; else they are removed
  // A commit that would remove a greater share of the table's rows is refused (kConflict), as an
  // emptied or half reloaded source looks just so. nullopt: any share may go.
  std::optional<double> share_max = 0.5;
  // Of a table with fewer rows any share may go: two of three rows are no sign of anything. Holds
  // for the default; a share that somebody wrote down holds for every table (then it is 0).
  std::uint64_t share_rows_min = 100;

  // May `deleted` of a table's `rows` go unasked?
  bool Allows(std::uint64_t deleted, std::uint64_t rows) const;
};

// Rows whose cursor is NULL: no range holds them.
enum class NullCursor {
  kRead,   // every run reads them (merge: unchanged ones are not written again)
  kFirst,  // the first run reads them
  kSkip,
};

// A large table in several UNLOADs of one snapshot, each of which must end within the life of its
// keys and the statement's limit.
struct Split {
  int pieces = 2;  // 2..1000
  // As many pieces as the rows that are read ask for, 1 too; `pieces` says nothing then.
  bool by_size = false;
  // By ranges of this column (a number, date or timestamp); nullopt: by a hash of the primary key,
  // which makes pieces of one size whatever the values are.
  std::optional<std::string> column;
};

// A table or a query we sync. REQUIRES: exactly one of `table` and `sql`.
struct Stream {
  std::string name;  // unique in a configuration: "sales.orders", "big_spenders"
  std::optional<TableName> table;
  // One SELECT, without comments or a trailing semicolon: as redshift::ReadQuery returns it.
  std::optional<std::string> sql;
  SyncMode sync_mode = SyncMode::kFullRefresh;
  WriteMode write_mode = WriteMode::kOverwrite;
  std::vector<std::string> primary_key;
  std::optional<std::string> cursor;  // column we follow
  std::vector<std::string> columns;   // selection by name; empty: all
  // Incremental: how far behind the watermark each run looks again, for rows committed late.
  std::chrono::seconds overlap{300};
  NullCursor null_cursor = NullCursor::kRead;
  // Incremental by a date or time: how far after the server's own clock the watermark may lie. One
  // row that is dated in the future would else hide every row that comes after it. Rows beyond wait
  // until their time comes. nullopt: the greatest value is followed, wherever it lies.
  std::optional<std::chrono::seconds> cursor_ahead_max{0};
  DeletePolicy deletes;
  // Hard deletes: compare all keys with the destination's this often.
  std::optional<std::chrono::seconds> key_scan;
  bool allow_duplicate_keys = false;  // StreamTarget tells
  SchemaPolicy schema_policy = SchemaPolicy::kFollow;
  std::optional<Split> split;
  Shape shape;
};

// Where a stream lands: schema and table at the destination.
// A table keeps its own name; a query's name is its table; `destination.schema` replaces the
// schema.
struct StreamTarget {
  std::string stream;
  TableName table;
  std::vector<Column> columns;
  WriteMode write_mode = WriteMode::kOverwrite;
  std::vector<std::string> primary_key;
  // The rows are all that the source has: under merge and history, a key that is not among them was
  // deleted. False: they are what changed.
  bool complete = true;
  std::optional<std::string> cursor;  // of two rows with one key, the one with the greater wins
  // Under a complete merge two rows with one key are an error in the source (kConflict), unless
  // this lets one of them win. Under an incomplete one they are two states of a row.
  bool allow_duplicate_keys = false;
  DeletePolicy deletes;
  SchemaPolicy schema_policy = SchemaPolicy::kFollow;
  // Under history: when the rows were read, by the source's clock. A version that tells no time of
  // its own begins then. nullopt: the destination takes its own clock's.
  std::optional<base::UtcTime> as_of;
};

// The cursor's committed value as exact text, and which run and attempt committed it.
struct Watermark {
  std::string stream;
  std::optional<std::string> value;   // nullopt: full refresh, nothing to follow
  std::optional<std::string> cursor;  // the column that `value` is of, as the source calls it
  // When all keys were last compared; nullopt: never.
  std::optional<base::UtcTime> keys_compared;
  // Digest of which rows were taken and how values were hidden; nullopt: all rows, as they are.
  std::optional<std::string> shape;
  std::string run;
  std::string attempt;
};

}  // namespace sluice::model
