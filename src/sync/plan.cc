#include "sync/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "redshift/select.h"
#include "redshift/shape.h"
#include "redshift/split.h"
#include "redshift/stream_column.h"
#include "sync/read/reading.h"

namespace sluice::sync {
namespace {

constexpr std::chrono::minutes kClocksDiffer{10};

std::string Folded(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void Unsupported(const model::Stream& stream, std::string message,
                              std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "plan",
                     .subject = "stream " + stream.name,
                     .message = std::move(message),
                     .remedy = std::move(remedy),
                     .reason = "stream_mode"});
}

std::vector<NamedColumn> AllNamed(const model::Stream& stream) {
  std::vector<NamedColumn> named;
  for (const auto& key : stream.primary_key) named.push_back({"primary_key", key});
  if (stream.cursor) named.push_back({"cursor", *stream.cursor});
  if (stream.deletes.column) named.push_back({"deletes.column", *stream.deletes.column});
  if (stream.split && stream.split->column)
    named.push_back({"split.column", *stream.split->column});
  return named;
}

bool Needs(const model::Stream& stream, const NamedColumn& column) {
  const bool merge = model::MeetsByKey(stream.write_mode);
  if (column.field == "primary_key") return merge || (stream.split && !stream.split->column);
  if (column.field == "cursor") {
    return merge || stream.sync_mode == model::SyncMode::kIncremental;
  }
  return column.field == "split.column" || merge;
}

std::vector<NamedColumn> Filtered(const model::Stream& stream, bool needed) {
  auto named = AllNamed(stream);
  std::erase_if(named, [&](const auto& column) { return Needs(stream, column) != needed; });
  return named;
}

// What is there already was taken by another filter, or hidden in another way, and no row comes
// again by itself to be changed.
[[noreturn]] void RefuseOtherShape(const model::Stream& stream) {
  throw base::Error(
      {.code = base::ErrorCode::kConflict,
       .operation = "plan",
       .subject = "stream " + stream.name,
       .message = "`where`, what is hashed or masked and how, or the name of a key is not what it "
                  "was when the rows were read that are there already",
       .remedy = fmt::format("Read it again in full: sluice sync {} --full", stream.name),
       .reason = "other_shape"});
}

// A row of a stream with a filter that was changed so that it no longer meets it is not read again.
void NoteRowsThatLeave(StreamPlan& plan) {
  const model::Stream& stream = plan.stream;
  if (!stream.shape.where || stream.sync_mode != model::SyncMode::kIncremental) return;
  if (!model::MeetsByKey(stream.write_mode) || stream.key_scan) return;
  plan.notes.emplace_back(
      "a row that is changed so that it no longer meets `where` stays at the destination as it "
      "was; "
      "deletes: { key_scan: 24h } removes such rows");
}

// From the last watermark on; everything if there is none or all was asked for.
void DecideRange(StreamPlan& plan, const RunOptions& options, base::UtcTime now) {
  const model::Stream& stream = plan.stream;
  const model::Column& cursor = redshift::CursorColumn(stream, plan.columns_read());
  plan.warnings = redshift::CursorWarnings(stream, plan.columns_read());
  const bool append = stream.write_mode == model::WriteMode::kAppend;
  redshift::CursorRange range{.low_included = !append,
                              .overlap = append ? std::chrono::seconds(0) : stream.overlap};
  if (redshift::IsTimeCursor(cursor)) range.ahead_max = stream.cursor_ahead_max;
  const auto& committed = plan.committed;
  if (committed && committed->value && !options.full) {
    if (committed->cursor && committed->cursor != stream.cursor) {
      throw base::Error(
          {.code = base::ErrorCode::kConflict,
           .operation = "plan",
           .subject = "stream " + stream.name,
           .message = fmt::format("it was read up to a value of {}, and now follows {}",
                                  *committed->cursor, *stream.cursor),
           .remedy = fmt::format("Read it again in full: sluice sync {} --full", stream.name),
           .reason = "other_cursor"});
    }
    if (committed->shape != plan.shape) RefuseOtherShape(stream);
    range.low = committed->value;
    // By this machine's clock, for those who only look: a sync asks the server's.
    if (range.ahead_max &&
        redshift::LiesAfter(*range.low, now + *range.ahead_max + kClocksDiffer)) {
      plan.warnings.push_back(redshift::FutureWatermarkWarning(stream));
    }
  }
  // The first rows of an appended table replace what an abandoned start may have left.
  plan.target.complete = !range.low;
  // Rows that are there already must not be deleted because they wait for their time. A first read
  // has none, and its pieces may be of several moments, which only `high` holds together.
  range.whole = range.ahead_max && plan.target.complete && !append && committed;
  if (append && !range.low) plan.target.write_mode = model::WriteMode::kOverwrite;
  range.nulls = stream.null_cursor == model::NullCursor::kRead ||
                (stream.null_cursor == model::NullCursor::kFirst && !range.low);
  plan.range = std::move(range);
}

// A complete merge finds what is gone by itself.
bool IsKeyScanDue(const StreamPlan& plan, base::UtcTime now) {
  if (!plan.stream.key_scan || plan.target.complete) return false;
  const auto& last = plan.committed->keys_compared;
  return !last || now - *last >= *plan.stream.key_scan;
}

// What _source says: the configuration's name and the stream's, which tell tables of several
// workgroups apart.
std::string SourceOf(const model::Stream& stream, const RunOptions& options) {
  return options.connection + "." + stream.name;
}

// Of the target, what is named after the source's columns.
void NameAsTheyLand(StreamPlan& plan) {
  const auto rename = [&](std::string& name) { name = redshift::LandingName(plan.stream, name); };
  for (auto& key : plan.target.primary_key) rename(key);
  if (plan.target.cursor) rename(*plan.target.cursor);
  if (plan.target.deletes.column) rename(*plan.target.deletes.column);
}

// A filter and a cast are the server's to judge. Asked before UNLOAD, as an empty select, so that
// one which cannot be run is told as what it is.
void ProveShape(redshift::Session& session, const StreamPlan& plan, const base::Call& call) {
  if (!redshift::IsDerived(plan.stream.shape)) return;
  try {
    session.Query(plan.select + " LIMIT 0", call);
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    if (info.code != base::ErrorCode::kNotFound && info.code != base::ErrorCode::kSource &&
        info.code != base::ErrorCode::kUnsupported &&
        info.code != base::ErrorCode::kInvalidConfig) {
      throw;
    }
    info.subject = "stream " + plan.stream.name;
    info.remedy =
        "Correct `where` or `cast` of the stream: the source cannot run them. What is run: "
        "sluice sync " +
        plan.stream.name + " --dry-run";
    info.reason = "shape";
    throw base::Error(std::move(info));
  }
}

}  // namespace

model::TableName TargetOf(const model::Stream& stream, const RunOptions& options) {
  model::TableName target;
  target.table = stream.table ? stream.table->table : stream.name;
  target.schema = options.destination_schema.value_or(stream.table ? stream.table->schema : "main");
  return target;
}

std::vector<base::ErrorInfo> TargetClashes(const std::vector<model::Stream>& streams,
                                           const RunOptions& options) {
  std::vector<base::ErrorInfo> clashes;
  std::map<std::pair<std::string, std::string>, const model::Stream*> taken;
  for (const auto& stream : streams) {
    const auto target = TargetOf(stream, options);
    const auto [other, fresh] =
        taken.emplace(std::pair(Folded(target.schema), Folded(target.table)), &stream);
    if (fresh) continue;
    clashes.push_back(
        {.code = base::ErrorCode::kInvalidConfig,
         .operation = "plan",
         .subject = "stream " + stream.name,
         .message = fmt::format("would land in table {}, as stream {} does", target.ToString(),
                                other->second->name),
         .remedy = "Leave out destination.schema, so that each table keeps its own schema, or sync "
                   "one of the two in a configuration of its own. A query lands in the table of "
                   "its name: give it another.",
         .reason = "one_target"});
  }
  return clashes;
}

void CheckTargets(const std::vector<model::Stream>& streams, const RunOptions& options) {
  const auto clashes = TargetClashes(streams, options);
  if (!clashes.empty()) throw base::Error(clashes.front());
}

void CheckModes(const model::Stream& stream, const destinations::Capabilities& capabilities) {
  using model::WriteMode;
  const bool incremental = stream.sync_mode == model::SyncMode::kIncremental;
  std::string others;
  const auto offer = [&](WriteMode mode, bool there, bool fits) {
    if (!there || !fits) return;
    others += fmt::format("{}write_mode: {}", others.empty() ? "" : " or ", ToString(mode));
  };
  // An incremental read holds changes alone: it can only be added or merged.
  offer(WriteMode::kOverwrite, capabilities.overwrite, !incremental);
  offer(WriteMode::kMerge, capabilities.merge, !stream.primary_key.empty());
  offer(WriteMode::kAppend, capabilities.append, true);
  const bool possible = (stream.write_mode == WriteMode::kOverwrite && capabilities.overwrite) ||
                        (stream.write_mode == WriteMode::kAppend && capabilities.append) ||
                        (stream.write_mode == WriteMode::kMerge && capabilities.merge) ||
                        (stream.write_mode == WriteMode::kHistory && capabilities.history);
  if (possible) return;
  std::string remedy =
      others.empty() ? "Set sync_mode: full_refresh and write_mode: overwrite for this stream."
                     : "For this stream, set " + others + ".";
  if (model::MeetsByKey(stream.write_mode)) {
    remedy += fmt::format(" Or choose a destination that {}: type duckdb or postgres.",
                          stream.write_mode == WriteMode::kMerge ? "merges" : "keeps history");
  }
  Unsupported(stream,
              fmt::format("the destination cannot do write_mode {}", ToString(stream.write_mode)),
              std::move(remedy));
}

std::vector<NamedColumn> ColumnsNeeded(const model::Stream& stream) {
  return Filtered(stream, true);
}
std::vector<NamedColumn> ColumnsIgnored(const model::Stream& stream) {
  return Filtered(stream, false);
}

StreamPlan DecidePlan(const model::Stream& asked, const std::vector<model::Column>& columns,
                      std::optional<model::Watermark> committed, const RunOptions& options,
                      base::UtcTime now) {
  StreamPlan plan{.stream = redshift::ApplyShape(asked, columns, SourceOf(asked, options)),
                  .committed = std::move(committed)};
  const model::Stream& stream = plan.stream;
  plan.shape = ShapeDigest(stream);
  if (!stream.shape.made.empty()) plan.read = redshift::ColumnsRead(stream, columns);
  plan.target = {.stream = stream.name,
                 .table = TargetOf(stream, options),
                 .columns = redshift::ColumnsLanding(stream, columns),
                 .write_mode = stream.write_mode,
                 .primary_key = stream.primary_key,
                 .cursor = stream.cursor,
                 .allow_duplicate_keys = stream.allow_duplicate_keys,
                 .deletes = stream.deletes,
                 .schema_policy = stream.schema_policy};
  NameAsTheyLand(plan);
  if (options.allow_deletes) plan.target.deletes.share_max.reset();
  plan.select = redshift::BuildSelect(stream, plan.columns_read());
  for (const auto& [field, name] : ColumnsNeeded(stream)) {
    // A cursor that is not there is told with those that could serve: by DecideRange.
    const bool followed = field == "cursor" && stream.sync_mode == model::SyncMode::kIncremental;
    if (!followed) redshift::StreamColumn(stream, plan.columns_read(), name, field);
  }
  if (stream.sync_mode == model::SyncMode::kIncremental) DecideRange(plan, options, now);
  if (stream.split && stream.split->column) redshift::SplitColumn(stream, plan.columns_read());
  if (IsKeyScanDue(plan, now)) {
    plan.key_select = redshift::BuildKeySelect(stream, plan.columns_read(), stream.primary_key);
  }
  NoteRowsThatLeave(plan);
  return plan;
}

Foreseen Foresee(redshift::Session& session, RunCatalog& catalog,
                 destinations::Destination* destination, const model::Stream& stream,
                 const RunOptions& options, base::UtcTime now, const base::Call& call) {
  Foreseen foreseen;
  try {
    std::optional<model::Watermark> committed;
    if (destination != nullptr) {
      foreseen.at_destination = true;
      CheckModes(stream, destination->Describe());
      if (auto last = destination->ReadCommitted(stream.name, call)) {
        committed = std::move(last->watermark);
      }
    }
    foreseen.at_destination = false;
    StreamPlan plan = DecidePlan(stream, catalog.Describe(session, stream, call),
                                 std::move(committed), options, now);
    if (destination != nullptr) {
      foreseen.at_destination = true;
      plan.landing = destination->Examine(plan.target, call);
    }
    foreseen.at_destination = false;
    foreseen.plan = std::move(plan);
    ProveShape(session, *foreseen.plan, call);
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    if (error.code() == base::ErrorCode::kCancelled) throw;
    foreseen.error = error.info();
  }
  return foreseen;
}

StreamPlan PlanStream(redshift::Session& session, RunCatalog& catalog,
                      destinations::Destination& destination, const model::Stream& stream,
                      const RunOptions& options, base::UtcTime now, const base::Call& call) {
  Foreseen foreseen = Foresee(session, catalog, &destination, stream, options, now, call);
  if (foreseen.error) throw base::Error(std::move(*foreseen.error));
  return std::move(*foreseen.plan);
}

}  // namespace sluice::sync
