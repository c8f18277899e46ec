#include "config/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "config/shape.h"
#include "config/table_pattern.h"
#include "redshift/text/query_text.h"

namespace sluice::config {
namespace {

using model::SyncMode;
using model::WriteMode;

// model::Stream::cursor_ahead_max as it is set: nullopt inside for `follow`.
struct FutureCursor {
  std::optional<std::chrono::seconds> ahead_max;
};

struct Defaults {
  std::optional<SyncMode> sync_mode;
  std::optional<WriteMode> write_mode;
  std::optional<std::chrono::seconds> overlap;
  std::optional<FutureCursor> future_cursor;
  ShapeFields shape;
  std::optional<std::string> schedule;
  std::optional<std::string> time_zone;
};

std::optional<SyncMode> ReadSyncMode(MapReader& map) {
  return map.Choice<SyncMode>("sync_mode", {{"full_refresh", SyncMode::kFullRefresh},
                                            {"incremental", SyncMode::kIncremental}});
}

std::optional<WriteMode> ReadWriteMode(MapReader& map) {
  return map.Choice<WriteMode>("write_mode", {{"overwrite", WriteMode::kOverwrite},
                                              {"append", WriteMode::kAppend},
                                              {"merge", WriteMode::kMerge},
                                              {"history", WriteMode::kHistory}});
}

std::optional<FutureCursor> ReadFutureCursor(MapReader& map) {
  const auto text = map.Text("future_cursor");
  if (!text) return std::nullopt;
  if (*text == "follow") return FutureCursor{std::nullopt};
  if (*text == "wait") return FutureCursor{std::chrono::seconds(0)};
  if (const auto ahead = ParseDuration(*text)) return FutureCursor{*ahead};
  map.Add("future_cursor", "is neither wait nor follow, nor a time such as 14h",
          "Write wait (rows dated in the future are read when their time comes), follow (they are "
          "read\nat once, and rows dated before them no more), or how far ahead of the server's "
          "clock stamps\nmay lie, for example 14h where they are local times.");
  return std::nullopt;
}

Defaults ReadDefaults(Reading& reading, const Node* node) {
  MapReader map(reading, node, kDefaultsGroup, "defaults");
  Defaults defaults;
  defaults.sync_mode = ReadSyncMode(map);
  defaults.write_mode = ReadWriteMode(map);
  defaults.overlap = map.Duration("overlap");
  defaults.future_cursor = ReadFutureCursor(map);
  defaults.shape = ReadShape(reading, map, /*everywhere=*/true, /*takes_list=*/false);
  defaults.schedule = map.Text("schedule");
  defaults.time_zone = map.Text("time_zone");
  map.RefuseOthers();
  return defaults;
}

void ReadQueryInto(MapReader& map, const std::string& sql, model::Stream& stream) {
  auto query = redshift::ReadQuery(sql);
  if (auto* bare = std::get_if<std::string>(&query)) {
    stream.sql = std::move(*bare);
    return;
  }
  stream.sql = sql;
  const auto& refused = std::get<redshift::QueryProblem>(query);
  map.Add("sql",
          fmt::format("{} (line {}, column {} of the query)", refused.problem, refused.line,
                      refused.column),
          refused.remedy);
}

// A star that stands for anything, not for itself.
bool HasStar(std::string_view table) {
  bool quoted = false;
  for (const char c : table) {
    if (c == '"') quoted = !quoted;
    if (c == '*' && !quoted) return true;
  }
  return false;
}

void ReadTable(MapReader& map, model::Stream& stream) {
  const auto table = map.Text("table");
  if (!table) return;
  if (HasStar(*table)) {
    map.Add("table", "holds a *, which stands for any characters in tables: alone",
            "Write tables: \"schema.*\" for all tables of that pattern. A name that holds a * "
            "itself stands in\ndouble quotes: 'sales.\"odd*name\"'.");
    return;
  }
  stream.table = std::get<model::TableName>(ParseTable(*table));
  if (stream.name.empty()) stream.name = stream.table->ToString();
}

void ReadSource(MapReader& map, model::Stream& stream) {
  const bool has_sql = map.Has("sql");
  const auto sql = map.Sql("sql");
  const auto sources = (map.Has("table") ? 1 : 0) + (has_sql ? 1 : 0) + (map.Has("tables") ? 1 : 0);
  ReadTable(map, stream);
  if (sources != 1) {
    map.Add("table",
            sources == 0 ? "is missing, and so is sql"
            : has_sql    ? "stands beside sql"
                         : "stands beside tables",
            "A stream is either table: schema.table, or name: and sql: with one SELECT,\n"
            "or tables: \"schema.*\" for all of a pattern.");
    return;
  }
  if (sql) {
    ReadQueryInto(map, *sql, stream);
    if (!map.Has("name")) {
      map.Missing("name", "A query needs a name: it becomes its table at the destination.");
    }
  }
}

// What stands beside `tables`, and without it alone.
PatternConfig ReadPattern(MapReader& map) {
  PatternConfig pattern;
  const Node* tables = map.Any("tables");
  if (tables != nullptr && tables->kind == Node::Kind::kSequence && tables->items.empty()) {
    map.Add("tables", "is an empty list", "Write tables: \"schema.*\"");
  }
  for (const auto& text : map.TextList("tables")) {
    pattern.tables.push_back(std::get<TablePattern>(ParseTablePattern(text)));
  }
  for (const auto& text : map.TextList("exclude")) {
    pattern.exclude.push_back(std::get<TablePattern>(ParseExclusion(text)));
  }
  pattern.new_tables = map.Choice<NewTables>("new_tables", {{"follow", NewTables::kFollow},
                                                            {"tell", NewTables::kTell}})
                           .value_or(NewTables::kFollow);
  pattern.views = map.Bool("views").value_or(false);
  if (map.Has("tables")) {
    if (map.Has("name") && !map.Has("sql")) {
      map.Add("name", "stands beside tables", "Each of them has its own name. Leave it out.");
    }
    return pattern;
  }
  for (const std::string_view key : {"exclude", "new_tables", "views"}) {
    if (map.Has(key)) {
      map.Add(key, "stands without tables", "It is about tables: \"schema.*\".");
    }
  }
  return pattern;
}

// A default holds for the streams it can hold for: `incremental` for those with a cursor, a write
// mode for those whose sync mode allows it. What stands at the stream itself is taken at its word.
void ReadModes(MapReader& map, const Defaults& defaults, model::Stream& stream) {
  const auto own_sync = ReadSyncMode(map);
  const auto own_write = ReadWriteMode(map);
  const bool incremental_default = defaults.sync_mode == SyncMode::kIncremental && stream.cursor;
  stream.sync_mode =
      own_sync.value_or(incremental_default ? SyncMode::kIncremental : SyncMode::kFullRefresh);
  const bool incremental = stream.sync_mode == SyncMode::kIncremental;
  const bool has_key = !stream.primary_key.empty();
  const auto fits = [&](WriteMode mode) {
    if (mode == WriteMode::kOverwrite) return !incremental;
    if (model::MeetsByKey(mode)) return has_key;
    return incremental || defaults.sync_mode != SyncMode::kIncremental;
  };
  if (own_write) {
    stream.write_mode = *own_write;
  } else if (defaults.write_mode && fits(*defaults.write_mode)) {
    stream.write_mode = *defaults.write_mode;
  } else if (incremental) {
    stream.write_mode = has_key ? WriteMode::kMerge : WriteMode::kAppend;
  }
}

void CheckModes(MapReader& map, const model::Stream& stream) {
  const bool incremental = stream.sync_mode == SyncMode::kIncremental;
  if (incremental && !stream.cursor && !map.Has("cursor")) {
    map.Missing("cursor",
                "Name the column that grows with every change, for example cursor: "
                "updated_at,\nor set sync_mode: full_refresh.");
  }
  if (incremental && stream.write_mode == WriteMode::kOverwrite) {
    map.Add("write_mode",
            "overwrite does not go with sync_mode incremental: each run would "
            "replace all rows by the new ones",
            "Use write_mode: merge or history (with a primary_key), or append.");
  }
  if (model::MeetsByKey(stream.write_mode) && !map.Has("primary_key")) {
    map.Missing("primary_key",
                fmt::format("write_mode {} finds rows by it: primary_key: [order_id]",
                            ToString(stream.write_mode)));
  }
}

// Fills what the stream's `deletes` say.
void ReadDeletes(Reading& reading, MapReader& map, model::Stream& stream) {
  const Node* node = map.Any("deletes");
  if (node == nullptr || (node->kind == Node::Kind::kScalar && node->text == "none")) return;
  if (node->kind != Node::Kind::kMap) {
    map.Add("deletes", "is not a way to notice deletes",
            "Write deletes: { column: is_deleted }, deletes: { key_scan: 24h } or deletes: none");
    return;
  }
  MapReader inner(reading, node, kDeletesGroup, map.Field("deletes"));
  stream.deletes.column = inner.Text("column");
  stream.key_scan = inner.Duration("key_scan");
  stream.deletes.keep_flagged = inner.Bool("keep").value_or(false);
  if (const auto percent = inner.Integer("max_percent")) {
    stream.deletes.share_max = static_cast<double>(*percent) / 100;
    stream.deletes.share_rows_min = 0;  // who writes it down means it, for a small table too
    if (*percent == 100) stream.deletes.share_max.reset();
  }
  if (inner.Has("keep") && !inner.Has("column")) {
    inner.Add("keep", "stands without column", "It keeps rows that a column marks as deleted.");
  }
  inner.RefuseOthers();
  const bool told_elsewhere =
      (map.Has("primary_key") && stream.primary_key.empty()) ||
      (stream.write_mode == WriteMode::kOverwrite && stream.sync_mode == SyncMode::kIncremental);
  if (model::MeetsByKey(stream.write_mode) || told_elsewhere) return;
  if (inner.Has("column") || inner.Has("key_scan")) {
    map.Add("deletes", "stands at a stream that is not merged",
            "Deleted rows are found by key: set write_mode: merge and a primary_key, or leave it "
            "out.");
  }
}

void ReadChoices(MapReader& map, model::Stream& stream) {
  using model::NullCursor;
  using model::SchemaPolicy;
  const auto nulls = map.Choice<NullCursor>(
      "null_cursor",
      {{"read", NullCursor::kRead}, {"first", NullCursor::kFirst}, {"skip", NullCursor::kSkip}});
  const bool append = stream.write_mode == WriteMode::kAppend;
  if (nulls == NullCursor::kRead && append) {
    map.Add("null_cursor", "read does not go with write_mode append: each run would add them again",
            "Use first or skip, or write_mode: merge.");
  }
  stream.null_cursor = nulls.value_or(append ? NullCursor::kFirst : NullCursor::kRead);
  stream.allow_duplicate_keys =
      map.Choice<bool>("duplicate_keys", {{"refuse", false}, {"newest", true}}).value_or(false);
  stream.schema_policy =
      map.Choice<SchemaPolicy>("schema_changes", {{"follow", SchemaPolicy::kFollow},
                                                  {"freeze", SchemaPolicy::kFreeze},
                                                  {"fail", SchemaPolicy::kFail}})
          .value_or(SchemaPolicy::kFollow);
}

void ReadSplit(Reading& reading, MapReader& map, model::Stream& stream) {
  const Node* node = map.Any("split");
  if (node == nullptr) return;
  const bool by_size = node->kind == Node::Kind::kScalar && node->text == "auto";
  if (by_size) stream.split = model::Split{.by_size = true, .column = std::nullopt};
  if (by_size && !map.Has("primary_key")) {
    map.Add("split", "needs a primary_key to split by",
            "Add primary_key: [order_id], or split by ranges of a column:\n"
            "split: { column: order_date, pieces: 8 }");
  }
  if (by_size) return;
  if (node->kind != Node::Kind::kMap) {
    map.Add("split", "is not a way to split",
            "Write split: auto, split: { pieces: 8 } or split: { column: order_date, pieces: 8 }");
    return;
  }
  MapReader inner(reading, node, kSplitGroup, map.Field("split"));
  model::Split split;
  split.column = inner.Text("column");
  if (const auto pieces = inner.Integer("pieces")) {
    split.pieces = static_cast<int>(*pieces);
  } else if (!inner.Has("pieces")) {
    inner.Missing("pieces");
  }
  inner.RefuseOthers();
  if (!inner.Has("column") && !map.Has("primary_key")) {
    map.Add("split", "needs a primary_key to split by",
            "Add primary_key: [order_id], or split by ranges of a column:\n"
            "split: { column: order_date, pieces: 8 }");
  }
  stream.split = std::move(split);
}

// What stands at the stream itself, else the default's.
std::optional<ScheduleConfig> ReadSchedule(MapReader& map, const Defaults& defaults) {
  auto cron = map.Text("schedule");
  auto zone = map.Text("time_zone");
  if (!cron && !map.Has("schedule")) cron = defaults.schedule;
  if (!zone) zone = defaults.time_zone;
  if (!cron) return std::nullopt;
  return ScheduleConfig{.cron = std::move(*cron), .time_zone = zone.value_or("UTC")};
}

// The right form of a stream that stands there as a text.
std::string TableEntry(const std::string& text) {
  const bool table = IsShowable(text, Form::kTable) && !CheckTable(text);
  return fmt::format("- table: {}", table ? text : "schema.table");
}

struct StreamEntry {
  model::Stream stream;
  std::string field;
  PatternConfig pattern;  // without `tables`: it is none
  std::optional<ScheduleConfig> schedule;
};

StreamEntry ReadStream(Reading& reading, const Node& node, const Defaults& defaults,
                       std::string field) {
  StreamEntry config;
  config.field = field;
  if (node.kind == Node::Kind::kScalar) {
    reading.problems.push_back({std::move(field), node.at, "is a text, not a group of fields",
                                "Write it with its field: " + TableEntry(node.text)});
    return config;
  }
  MapReader map(reading, &node, kStreamGroup, std::move(field));
  model::Stream& stream = config.stream;
  if (!map.present()) {
    if (node.kind == Node::Kind::kNull) {
      reading.problems.push_back({config.field, node.at, "is empty", "Write table: schema.table"});
    }
    return config;
  }
  stream.name = map.Text("name").value_or("");
  ReadSource(map, stream);
  config.pattern = ReadPattern(map);
  stream.primary_key = map.TextList("primary_key");
  stream.cursor = map.Text("cursor");
  ReadModes(map, defaults, stream);
  CheckModes(map, stream);
  stream.overlap = map.Duration("overlap").value_or(defaults.overlap.value_or(stream.overlap));
  auto future = ReadFutureCursor(map);
  if (!future) future = defaults.future_cursor;
  if (future) stream.cursor_ahead_max = future->ahead_max;
  ReadDeletes(reading, map, stream);
  ReadChoices(map, stream);
  ReadSplit(reading, map, stream);
  // A pattern's tables need not all have the columns that are hidden.
  const bool everywhere = !config.pattern.tables.empty();
  SetShape(map, ReadShape(reading, map, everywhere, /*takes_list=*/true), defaults.shape, stream);
  config.schedule = ReadSchedule(map, defaults);
  map.RefuseOthers();
  return config;
}

void RefuseTwice(Reading& reading, const std::vector<StreamConfig>& streams,
                 const std::vector<Position>& places) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const std::string& name = streams[i].stream.name;
    if (name.empty()) continue;
    const auto [at, fresh] = seen.try_emplace(name, i);
    if (fresh) continue;
    reading.problems.push_back(
        {streams[i].field, places[i],
         IsShowable(name, Form::kTable)
             ? fmt::format("is called {}, and so is {}", name, streams[at->second].field)
             : fmt::format("is called as {} is", streams[at->second].field),
         "Give one of them another name: ..."});
  }
}

// nullptr if there is none, or another thing than a list, which is told.
const Node* StreamList(MapReader& top) {
  const Node* node = top.Any("streams");
  if (node == nullptr || node->kind == Node::Kind::kSequence) return node;
  top.Add(
      "streams",
      node->kind == Node::Kind::kMap ? "is a group of fields, not a list" : "is a text, not a list",
      node->kind == Node::Kind::kMap
          ? "Begin each entry with a hyphen:\nstreams:\n  - table: schema.table"
          : "Write a list:\nstreams:\n  " + TableEntry(node->text));
  return nullptr;
}

}  // namespace

void ReadStreams(Reading& reading, MapReader& top, Config& config) {
  const Defaults defaults = ReadDefaults(reading, top.Map("defaults"));
  const Node* list = StreamList(top);
  if (list == nullptr) return;
  std::vector<Position> places;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    StreamEntry entry = ReadStream(reading, item, defaults, fmt::format("streams[{}]", i));
    if (entry.pattern.tables.empty()) {
      config.streams.push_back({.stream = std::move(entry.stream),
                                .schedule = std::move(entry.schedule),
                                .field = std::move(entry.field)});
      places.push_back(item.at);
      continue;
    }
    entry.pattern.settings = std::move(entry.stream);
    entry.pattern.field = std::move(entry.field);
    entry.pattern.schedule = std::move(entry.schedule);
    entry.pattern.before = config.streams.size();
    config.patterns.push_back(std::move(entry.pattern));
  }
  RefuseTwice(reading, config.streams, places);
}

}  // namespace sluice::config
