// The groups `defaults` and `streams`. See fields.h.
#include <array>

#include "config/fields.h"
#include "config/shape.h"
#include "config/table_pattern.h"

namespace sluice::config {
namespace {

constexpr auto kSyncModes = std::to_array<std::string_view>({"full_refresh", "incremental"});
constexpr auto kWriteModes =
    std::to_array<std::string_view>({"overwrite", "append", "merge", "history"});
constexpr auto kFutureCursor = std::to_array<std::string_view>({"wait", "follow"});
constexpr auto kNullCursor = std::to_array<std::string_view>({"read", "first", "skip"});
constexpr auto kDuplicateKeys = std::to_array<std::string_view>({"refuse", "newest"});
constexpr auto kSchemaChanges = std::to_array<std::string_view>({"follow", "freeze", "fail"});
constexpr auto kSplitBySize = std::to_array<std::string_view>({"auto"});

constexpr auto kNewTables = std::to_array<std::string_view>({"follow", "tell"});
constexpr auto kNoDeletes = std::to_array<std::string_view>({"none"});

constexpr std::string_view kFutureCursorText =
    "How far ahead of the server's clock an incremental stream follows a date or time. wait: not "
    "at all, rows dated in the future are read when their time comes. follow: any value, rows "
    "dated before it are then not read any more. Or a time, such as 14h for stamps in local time.";

constexpr auto kRenameAll = std::to_array<std::string_view>({"snake_case", "none"});

// The fields that shape a stream; they stand in `defaults`, too. What is said of a column there
// holds for the tables that have it.
constexpr FieldSpec kRename{
    .name = "rename",
    .takes = Takes::kTextMap,
    .description =
        "Names at the destination: `rename: { CustNo: customer_id }`. Everything else in "
        "the file speaks of columns by the source's names.",
    .rule = CheckIdentifier};
constexpr FieldSpec kRenameAllField{
    .name = "rename_all",
    .takes = Takes::kChoice,
    .description =
        "Names of the columns without a `rename` of their own: snake_case makes order_id "
        "of OrderID.",
    .preset = "none",
    .words = kRenameAll};
constexpr FieldSpec kWhere{
    .name = "where",
    .takes = Takes::kSql,
    .description =
        "Which rows: one condition over the source's columns, in Redshift's SQL, for "
        "example `where: \"status <> 'draft'\"`."};
constexpr FieldSpec kCast{
    .name = "cast",
    .takes = Takes::kTextMap,
    .description =
        "Types: `cast: { amount: \"decimal(18,2)\", code: varchar }`. Redshift casts; "
        "`varchar` alone holds 65535 bytes.",
    .rule = CheckCastType};
constexpr FieldSpec kHash{
    .name = "hash",
    .takes = Takes::kGroup,
    .description =
        "Values that leave the source as SHA-256 of salt and value alone (docs/SHAPE.md).",
    .group = &kHashGroup};
constexpr FieldSpec kMask{
    .name = "mask",
    .takes = Takes::kTextMap,
    .description =
        "Values that do not leave the source: `mask: { phone: last4, note: null, name: "
        "\"***\" }`. last4: the last four characters; null; or a text in quotes.",
    .null_too = true};
constexpr FieldSpec kAdd{
    .name = "add",
    .takes = Takes::kTextList,
    .description =
        "Columns that are added: `_synced_at`, when the row was read; `_source`, the "
        "configuration's name and the stream's.",
    .rule = CheckAdded};

constexpr auto kColumnsFields = std::to_array<FieldSpec>({
    {.name = "exclude",
     .takes = Takes::kTextList,
     .description = "All columns but these.",
     .rule = CheckIdentifier},
});

constexpr auto kHashFields = std::to_array<FieldSpec>({
    {.name = "columns",
     .takes = Takes::kTextList,
     .description = "Which columns are hashed. A primary key may be among them, a cursor not.",
     .required = true,
     .missing = "Name the columns: hash: { columns: [email], salt: ${SALT} }",
     .rule = CheckIdentifier},
    {.name = "salt",
     .takes = Takes::kPassword,
     .description =
         "A secret that is hashed in front of each value. Default: the one of `defaults`. "
         "Whoever has it can find values by trying them."},
});
constexpr std::string_view kScheduleText =
    "When `sluice sync --watch` syncs it: minute, hour, day of the month, month, day of the week, "
    "or @hourly, @daily, @weekly, @monthly, @yearly.";
constexpr std::string_view kTimeZoneText =
    "Whose clock `schedule` is in, such as Europe/Berlin. Default: UTC.";

constexpr auto kDefaultsFields = std::to_array<FieldSpec>({
    {.name = "sync_mode",
     .takes = Takes::kChoice,
     .description = "For the streams that can: incremental needs a cursor.",
     .words = kSyncModes},
    {.name = "write_mode",
     .takes = Takes::kChoice,
     .description = "For the streams that can: merge and history need a primary_key.",
     .words = kWriteModes},
    {.name = "overlap",
     .takes = Takes::kDuration,
     .description = "How far behind the watermark each run looks again.",
     .example = "5m"},
    {.name = "future_cursor",
     .takes = Takes::kDuration,
     .description = kFutureCursorText,
     .preset = "wait",
     .words = kFutureCursor},
    {.name = "columns",
     .takes = Takes::kGroup,
     .description = "Columns that no stream brings, unless its own `columns` list them.",
     .group = &kColumnsGroup},
    kRename,
    kRenameAllField,
    kWhere,
    kCast,
    kHash,
    kMask,
    kAdd,
    {.name = "schedule",
     .description = kScheduleText,
     .example = "30 6 * * *",
     .rule = CheckSchedule},
    {.name = "time_zone",
     .description = kTimeZoneText,
     .example = "Europe/Berlin",
     .rule = CheckTimeZone},
});

constexpr auto kSplitFields = std::to_array<FieldSpec>({
    {.name = "column",
     .description = "A number, date or timestamp. Default: the primary key, by hash.",
     .rule = CheckIdentifier},
    {.name = "pieces",
     .takes = Takes::kInteger,
     .description = "Into how many UNLOADs.",
     .example = "8",
     .required = true,
     .missing = "Say into how many UNLOADs the stream is split: pieces: 8",
     .min = 2,
     .max = 1000},
});

constexpr auto kDeletesFields = std::to_array<FieldSpec>({
    {.name = "column",
     .description = "Soft deletes: true in this column means deleted.",
     .rule = CheckIdentifier},
    {.name = "key_scan",
     .takes = Takes::kDuration,
     .description = "Hard deletes: compare all keys this often.",
     .example = "24h"},
    {.name = "keep",
     .takes = Takes::kBool,
     .description = "Rows that `column` marks as deleted stay, with their mark.",
     .preset = "false"},
    {.name = "max_percent",
     .takes = Takes::kInteger,
     .description = "A run that would delete more than this share of the table stops, unless "
                    "--allow-deletes. Unless it is set here, tables of fewer than 100 rows may "
                    "lose any share.",
     .example = "50",
     .preset = "50",
     .min = 0,
     .max = 100},
});

constexpr auto kNeedsTables = std::to_array<std::string_view>({"tables"});

constexpr auto kStreamFields = std::to_array<FieldSpec>({
    {.name = "name", .description = "Unique. Default: the table's.", .rule = CheckIdentifier},
    {.name = "table",
     .description = "schema.table; a name that holds a dot stands in double quotes.",
     .title = "Tables to bring over",
     .example = "sales.orders",
     .rule = CheckTable},
    {.name = "tables",
     .takes = Takes::kTextList,
     .description =
         "Instead of table: every table whose name is of this pattern when a run begins. "
         "* stands for any characters, ? for one, also in the schema; what stands in "
         "double quotes is meant as it is. The stream's other fields hold for each of "
         "them. A table that has a stream of its own is read as that one says, and of "
         "two patterns the first takes it.",
     .title = "Tables by pattern",
     .example = "\"sales.*\"",
     .rule = CheckTablePattern},
    {.name = "exclude",
     .takes = Takes::kTextList,
     .description = "Of tables: not these, by table (of any schema) or schema.table.",
     .example = "\"*_tmp\"",
     .rule = CheckExclusion,
     .needs = kNeedsTables},
    {.name = "new_tables",
     .takes = Takes::kChoice,
     .description = "Of tables: what to do with one that came after the first sync. follow: tell "
                    "of it and sync it; tell: only tell, and sync it when it has a stream of its "
                    "own.",
     .preset = "follow",
     .words = kNewTables,
     .needs = kNeedsTables},
    {.name = "views",
     .takes = Takes::kBool,
     .description = "Of tables: views, too. Each is computed when it is read.",
     .preset = "false",
     .needs = kNeedsTables},
    {.name = "sql", .takes = Takes::kSql, .description = "One SELECT; it needs a name."},
    {.name = "primary_key",
     .takes = Takes::kTextList,
     .description = "The columns that tell one row from all others.",
     .rule = CheckIdentifier},
    {.name = "cursor",
     .description = "Column that grows with every change.",
     .rule = CheckIdentifier},
    {.name = "columns",
     .takes = Takes::kTextList,
     .description = "Which columns: a list of names, or `{ exclude: [...] }` for all others. "
                    "Default: all.",
     .rule = CheckIdentifier,
     .group = &kColumnsGroup},
    kRename,
    kRenameAllField,
    kWhere,
    kCast,
    kHash,
    kMask,
    kAdd,
    {.name = "sync_mode",
     .takes = Takes::kChoice,
     .description = "Read everything at each run, or what changed since the last one.",
     .preset = "full_refresh",
     .words = kSyncModes},
    {.name = "write_mode",
     .takes = Takes::kChoice,
     .description = "Default: overwrite for full_refresh; else merge if there is a primary_key, "
                    "append if not. history keeps one row per version of a key, with _valid_from, "
                    "_valid_to and _is_current (DuckDB and PostgreSQL).",
     .words = kWriteModes},
    {.name = "overlap",
     .takes = Takes::kDuration,
     .description = "How far behind the watermark each run looks again.",
     .example = "5m",
     .preset = "5m"},
    {.name = "future_cursor",
     .takes = Takes::kDuration,
     .description = "How far ahead of the server's clock an incremental stream follows a date or "
                    "time. Default: the one of defaults.",
     .words = kFutureCursor},
    {.name = "deletes",
     .takes = Takes::kChoice,
     .description = "How rows deleted at the source are noticed.",
     .preset = "none",
     .words = kNoDeletes,
     .group = &kDeletesGroup},
    {.name = "null_cursor",
     .takes = Takes::kChoice,
     .description = "Rows without a cursor value: read in every run, in the first, or not at all. "
                    "Default: read; append: first.",
     .words = kNullCursor},
    {.name = "duplicate_keys",
     .takes = Takes::kChoice,
     .description =
         "Two rows with one key in a full read: refuse, or let the newest by cursor win.",
     .preset = "refuse",
     .words = kDuplicateKeys},
    {.name = "schema_changes",
     .takes = Takes::kChoice,
     .description = "When the source's columns change: follow (add, widen), freeze (bring the "
                    "known ones) or fail.",
     .preset = "follow",
     .words = kSchemaChanges},
    {.name = "split",
     .takes = Takes::kChoice,
     .description = "A large table in several UNLOADs of one snapshot, by a hash of the primary "
                    "key or by ranges of a column. auto: by the key, in as many as its size asks "
                    "for, so that none takes half as long as its keys live.",
     .words = kSplitBySize,
     .group = &kSplitGroup},
    {.name = "schedule",
     .description = kScheduleText,
     .example = "30 6 * * *",
     .rule = CheckSchedule},
    {.name = "time_zone",
     .description = kTimeZoneText,
     .example = "Europe/Berlin",
     .rule = CheckTimeZone},
});

}  // namespace

constinit const GroupSpec kSplitGroup{.path = "streams[].split", .fields = kSplitFields};
constinit const GroupSpec kDeletesGroup{.path = "streams[].deletes", .fields = kDeletesFields};
constinit const GroupSpec kColumnsGroup{.path = "streams[].columns", .fields = kColumnsFields};
constinit const GroupSpec kHashGroup{.path = "streams[].hash", .fields = kHashFields};
constinit const GroupSpec kDefaultsGroup{.path = "defaults", .fields = kDefaultsFields};
constinit const GroupSpec kStreamGroup{
    .path = "streams[]",
    .fields = kStreamFields,
    .constraints =
        R"({"oneOf": [{"required": ["table"]}, {"required": ["tables"]}, {"required": ["sql", "name"]}]})"};

}  // namespace sluice::config
