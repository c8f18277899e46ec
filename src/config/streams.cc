#include "config/streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sluice::config {
namespace {

using model::SyncMode;
using model::WriteMode;

struct Defaults {
  std::optional<SyncMode> sync_mode;
  std::optional<WriteMode> write_mode;
  std::optional<std::chrono::seconds> overlap;
};

std::optional<SyncMode> ReadSyncMode(MapReader& map) {
  return map.Choice<SyncMode>("sync_mode", {{"full_refresh", SyncMode::kFullRefresh},
                                            {"incremental", SyncMode::kIncremental}});
}

std::optional<WriteMode> ReadWriteMode(MapReader& map) {
  return map.Choice<WriteMode>("write_mode", {{"overwrite", WriteMode::kOverwrite},
                                              {"append", WriteMode::kAppend},
                                              {"merge", WriteMode::kMerge}});
}

Defaults ReadDefaults(Reading& reading, const Node* node) {
  MapReader map(reading, node, "defaults");
  Defaults defaults;
  defaults.sync_mode = ReadSyncMode(map);
  defaults.write_mode = ReadWriteMode(map);
  defaults.overlap = map.Duration("overlap", "5m");
  map.RefuseOthers();
  return defaults;
}

// The query without what UNLOAD cannot take at its end.
std::string TrimQuery(std::string sql) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto end = sql.find_last_not_of(kBlank);
  sql.resize(end == std::string::npos ? 0 : end + 1);
  if (sql.ends_with(';')) {
    sql.pop_back();
    return TrimQuery(std::move(sql));
  }
  sql.erase(0, std::min(sql.find_first_not_of(kBlank), sql.size()));
  return sql;
}

bool IsSelect(std::string_view sql) {
  for (const std::string_view word : {"select", "with", "("}) {
    if (sql.size() >= word.size() &&
        std::equal(word.begin(), word.end(), sql.begin(), [](char a, char b) {
          return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
        })) {
      return true;
    }
  }
  return false;
}

void ReadSource(MapReader& map, model::Stream& stream) {
  const bool has_table = map.Has("table");
  const bool has_sql = map.Has("sql");
  const auto table = map.Text("table", CheckTable);
  auto sql = map.Sql("sql");
  if (has_table == has_sql) {
    map.Add("table", has_table ? "stands beside sql" : "is missing, and so is sql",
            "A stream is either table: schema.table, or name: and sql: with one SELECT.");
    return;
  }
  if (table) {
    stream.table = std::get<model::TableName>(ParseTable(*table));
    if (stream.name.empty()) stream.name = stream.table->ToString();
  }
  if (sql) {
    stream.sql = TrimQuery(std::move(*sql));
    if (!IsSelect(*stream.sql)) {
      map.Add("sql", "does not begin with SELECT or WITH", "Write one SELECT statement.");
    }
    if (!map.Has("name")) {
      map.Missing("name", "A query needs a name: it becomes its table at the destination.");
    }
  }
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
    if (mode == WriteMode::kMerge) return has_key;
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
            "Use write_mode: merge (with a primary_key) or append.");
  }
  if (stream.write_mode == WriteMode::kMerge && !map.Has("primary_key")) {
    map.Missing("primary_key", "write_mode merge finds rows by it: primary_key: [order_id]");
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
  MapReader inner(reading, node, map.Field("deletes"));
  stream.deletes.column = inner.Text("column", CheckIdentifier);
  stream.key_scan = inner.Duration("key_scan", "24h");
  stream.deletes.keep_flagged = inner.Bool("keep").value_or(false);
  if (const auto percent = inner.Integer("max_percent", 0, 100, "50")) {
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
  if (stream.write_mode == WriteMode::kMerge || told_elsewhere) return;
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
  const Node* node = map.Map("split");
  if (node == nullptr) return;
  MapReader inner(reading, node, map.Field("split"));
  model::Split split;
  split.column = inner.Text("column", CheckIdentifier);
  if (const auto pieces = inner.Integer("pieces", 2, 1000, "8")) {
    split.pieces = static_cast<int>(*pieces);
  } else if (!inner.Has("pieces")) {
    inner.Missing("pieces", "Say into how many UNLOADs the stream is split: pieces: 8");
  }
  inner.RefuseOthers();
  if (!inner.Has("column") && !map.Has("primary_key")) {
    map.Add("split", "needs a primary_key to split by",
            "Add primary_key: [order_id], or split by ranges of a column:\n"
            "split: { column: order_date, pieces: 8 }");
  }
  stream.split = std::move(split);
}

// The right form of a stream that stands there as a text.
std::string TableEntry(const std::string& text) {
  const bool table = IsShowable(text, Form::kTable) && !CheckTable(text);
  return fmt::format("- table: {}", table ? text : "schema.table");
}

StreamConfig ReadStream(Reading& reading, const Node& node, const Defaults& defaults,
                        std::string field) {
  StreamConfig config;
  config.field = field;
  if (node.kind == Node::Kind::kScalar) {
    reading.problems.push_back({std::move(field), node.at, "is a text, not a group of fields",
                                "Write it with its field: " + TableEntry(node.text)});
    return config;
  }
  MapReader map(reading, &node, std::move(field));
  model::Stream& stream = config.stream;
  if (!map.present()) {
    if (node.kind == Node::Kind::kNull) {
      reading.problems.push_back({config.field, node.at, "is empty", "Write table: schema.table"});
    }
    return config;
  }
  stream.name = map.Text("name", CheckIdentifier).value_or("");
  ReadSource(map, stream);
  stream.primary_key = map.TextList("primary_key", CheckIdentifier);
  stream.cursor = map.Text("cursor", CheckIdentifier);
  stream.columns = map.TextList("columns", CheckIdentifier);
  ReadModes(map, defaults, stream);
  CheckModes(map, stream);
  stream.overlap =
      map.Duration("overlap", "5m").value_or(defaults.overlap.value_or(stream.overlap));
  ReadDeletes(reading, map, stream);
  ReadChoices(map, stream);
  ReadSplit(reading, map, stream);
  map.RefuseOthers();
  return config;
}

void RefuseTwice(Reading& reading, const std::vector<StreamConfig>& streams, const Node& list) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const std::string& name = streams[i].stream.name;
    if (name.empty()) continue;
    const auto [at, fresh] = seen.try_emplace(name, i);
    if (fresh) continue;
    reading.problems.push_back(
        {streams[i].field, list.items[i].at,
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

std::vector<StreamConfig> ReadStreams(Reading& reading, MapReader& top) {
  const Defaults defaults = ReadDefaults(reading, top.Map("defaults"));
  std::vector<StreamConfig> streams;
  const Node* list = StreamList(top);
  if (list == nullptr) return streams;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    streams.push_back(ReadStream(reading, list->items[i], defaults, fmt::format("streams[{}]", i)));
  }
  RefuseTwice(reading, streams, *list);
  return streams;
}

}  // namespace sluice::config
