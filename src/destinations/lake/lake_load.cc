#include "destinations/lake/lake_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "base/random.h"
#include "columnar/column_type.h"
#include "columnar/sql_text.h"
#include "destinations/lake/lake_path.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using columnar::QuoteName;
using columnar::QuoteText;

columnar::Task TaskOn(std::string_view operation, const model::StreamTarget& target) {
  return {.operation = std::string(operation), .subject = "table " + target.table.ToString()};
}

base::Error ErrorOn(const model::StreamTarget& target, ErrorCode code, std::string operation,
                    std::string message, std::string remedy = {}) {
  return base::Error({.code = code,
                      .operation = std::move(operation),
                      .subject = "table " + target.table.ToString(),
                      .message = std::move(message),
                      .remedy = std::move(remedy)});
}

std::vector<std::string> NamesOf(const std::vector<model::Column>& columns) {
  std::vector<std::string> names;
  for (const model::Column& column : columns) names.push_back(column.name);
  return names;
}

std::vector<std::size_t> TimeColumns(const std::vector<model::Column>& columns) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].type.kind == model::TypeKind::kTimestamp) out.push_back(i);
  }
  return out;
}

}  // namespace

LakeLoad::LakeLoad(LakeStore& store, model::StreamTarget wanted,
                   std::unique_ptr<guarded_load::Claims::Claim> claim,
                   std::optional<std::uint64_t> seen, const base::Call& call)
    : GuardedLoad(std::move(wanted), std::move(claim), store.clock_, store.log_),
      store_(store),
      table_(store_.files(), target().table),
      name_(LoadName(clock().Utc(), base::RandomBits())),
      before_(table_.Newest(call)) {
  StreamPath(target().stream);  // refuses a name that is too long, before anything is read
  plan_ = PlanColumns(target(), before_ ? &*before_ : nullptr);
  CheckContinues(call);
  base_version_ = seen.value_or(before_ ? before_->version : 0);
}

model::Landing LakeLoad::Describe() const {
  using Table = model::Landing::Table;
  model::Landing landing{.columns = {}, .changes = plan_.notes};
  if (before_) {
    const bool overwrite = target().write_mode == model::WriteMode::kOverwrite;
    landing.table = overwrite ? Table::kReplace : Table::kKeep;
  }
  for (const auto& name : plan_.lands_in) {
    const auto column = std::find_if(plan_.columns.begin(), plan_.columns.end(),
                                     [&](const LakeColumn& one) { return one.name == name; });
    if (column != plan_.columns.end()) landing.columns.push_back({column->name, column->type});
  }
  return landing;
}

LakeLoad::~LakeLoad() {
  if (!wrote_.empty()) store_.Abandon(std::move(wrote_), table_.RecordPath(name_));
}

// Rows from a watermark on belong behind the rows that it is of.
void LakeLoad::CheckContinues(const base::Call& call) const {
  if (target().complete || target().write_mode != model::WriteMode::kAppend) return;
  const auto elsewhere = store_.TableOf(target().stream, call);
  if (!elsewhere || *elsewhere == target().table) return;
  throw ErrorOn(
      target(), ErrorCode::kConflict, "begin load",
      fmt::format("stream {} was read into table {} so far, and goes on here", target().stream,
                  elsewhere->ToString()),
      fmt::format("Read all of it into this table once: sluice sync {} --full", target().stream));
}

columnar::Connection LakeLoad::Decoder() { return store_.Connect(); }

void LakeLoad::OnColumnsKnown(const base::Call&) {
  plan_ = PlanColumns(target(), before_ ? &*before_ : nullptr);
}

std::string LakeLoad::NextDataPath(const base::Call& call) {
  // First, so that whatever comes of this can be found again.
  if (!recorded_) table_.Record(name_, target().stream, call);
  recorded_ = true;
  std::string path = "data/" + DataName(name_, next_file_++);
  wrote_.push_back(table_.PathOf(path));
  return path;
}

std::string LakeLoad::CopyText(const std::vector<columnar::CheckedPart>& parts,
                               const fs::path& to) const {
  std::string list;
  for (std::size_t i = 0; i < target().columns.size(); ++i) {
    if (!plan_.lands_in[i]) continue;
    list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", QuoteName(target().columns[i].name),
                        QuoteName(*plan_.lands_in[i]));
  }
  // Each thread gathers a row group before it writes it: bounded in bytes, or wide rows would not
  // fit into memory.
  const int group_mb = std::max(4, store_.options_.memory_limit_mb / 4 / store_.options_.threads);
  return fmt::format(
      "COPY (SELECT {} FROM ({})) TO {} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE_BYTES "
      "'{}MB', USE_TMP_FILE false)",
      list, columnar::PartSelect(parts, target().columns), QuoteText(to.string()), group_mb);
}

std::uint64_t LakeLoad::Rewrite(columnar::Connection& connection,
                                const std::vector<columnar::CheckedPart>& parts,
                                const base::Call& call) {
  const std::string path = NextDataPath(call);
  const std::string name = table_.PathOf(path);
  const fs::path place = store_.files().Place(name);
  try {
    connection.Run(CopyText(parts, place), {}, TaskOn("load", target()), call.stop);
  } catch (const base::Error& error) {
    const base::Error told =
        columnar::ExplainFailure(connection, error, parts, target().columns, call.stop);
    if (told.code() != ErrorCode::kNoSpace) throw told;
    base::ErrorInfo info = told.info();
    info.remedy = "Free space on the disk of " + place.parent_path().string() + ", then run again.";
    throw base::Error(info);
  }
  // What stands in the file now, not what was meant to.
  const columnar::Footer footer =
      columnar::ReadFooter(connection, {{.key = name}, place}, call.stop);
  const std::uint64_t bytes = fs::file_size(place);
  store_.files().Bring(name, call);
  if (footer.rows > 0) files_.push_back({.path = path, .rows = footer.rows, .bytes = bytes});
  return footer.rows;
}

std::uint64_t LakeLoad::Take(columnar::Connection& decoder,
                             const std::vector<columnar::CheckedPart>& parts,
                             const base::Call& call) {
  if (columnar::WidthTally::MayBeWide(parts)) store_.OnWideRows();  // a look needs it, too
  const columnar::Width& width = width_.Add(decoder, parts, target().columns, call.stop);
  if (width.window_bytes > columnar::kWideWindowBytes) store_.OnWideRows();
  return Rewrite(decoder, parts, call);
}

// A copied part is read as it is, so what no reader can read must not get there. Its footer does
// not tell: Parquet keeps no least and greatest INT96. The columns of times alone are fetched.
void LakeLoad::CheckTimes(const StagedTail& tail, const std::vector<std::size_t>& columns,
                          const base::Call& call) const {
  if (columns.empty()) return;
  columnar::Connection connection = store_.Connect();
  const columnar::Footer footer = columnar::ReadFooter(connection, tail.part, call.stop);
  // Of another shape than the target's: CheckTaken refuses the part.
  if (footer.columns.size() != target().columns.size()) return;
  for (const std::size_t i : columns) {
    if (footer.columns[i].engine_type != "TIMESTAMP") return;
  }
  FetchColumns(*store_.options_.staging, tail, columns, call);
  columnar::RequireTimesInRange(connection, tail.part, target().columns, columns,
                                TaskOn("load", target()), call.stop);
}

// Footer and copy of each part, a few parts at a time: what takes long is waiting for S3.
std::vector<StagedTail> LakeLoad::CopyAll(std::span<const model::Part> parts,
                                          std::vector<std::string>& paths, const base::Call& call) {
  std::vector<StagedTail> tails(parts.size());
  const std::vector<std::size_t> times = TimeColumns(target().columns);
  std::vector<std::exception_ptr> errors(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) paths.push_back(NextDataPath(call));
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (std::size_t i = next++; i < parts.size() && !failed; i = next++) {
      try {
        // A name of its own for each: DuckDB keeps what it read of a file by name, size and time.
        const fs::path file = store_.work_.path() / fs::path(paths[i]).filename();
        tails[i] = ReadTail(*store_.options_.staging, parts[i], file, call);
        CheckTimes(tails[i], times, call);
        store_.files().Copy({.bucket = store_.options_.staging_bucket,
                             .key = parts[i].key,
                             .etag = tails[i].object.etag,
                             .bytes = parts[i].bytes,
                             .digest = tails[i].object.digest},
                            table_.PathOf(paths[i]), call);
      } catch (...) {
        errors[i] = std::make_exception_ptr(base::AsError(std::current_exception()));
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> others;
    const std::size_t wanted =
        std::min(parts.size(), static_cast<std::size_t>(store_.options_.threads) * 2);
    for (std::size_t i = 1; i < wanted; ++i) others.emplace_back(work);
    work();
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return tails;
}

void LakeLoad::CheckTaken(const columnar::Footer& footer, const model::LocalPart& part) const {
  columnar::CheckFooter(footer, part, target().columns);
  for (std::size_t i = 0; i < target().columns.size(); ++i) {
    const model::Column& column = target().columns[i];
    const columnar::FileColumn& file = footer.columns[i];
    if (file.name == column.name && IsTakenAs(column, file.engine_type)) continue;
    throw base::Error(
        {.code = ErrorCode::kCorrupt,
         .operation = "check footer",
         .subject = fmt::format("column {} of part {}", column.name, part.part.key),
         .message = fmt::format("it is {} {} ({}) in the part, which cannot be taken as it is",
                                file.name, file.physical, file.engine_type),
         .remedy = "Switch copying inside S3 off for this destination, and report it."});
  }
}

LoadedRows LakeLoad::TakeStaged(std::span<const model::Part> parts, const base::Call& call) {
  if (!store_.Describe().takes_staged || !TakesParts(target(), plan_)) {
    throw ErrorOn(target(), ErrorCode::kConflict, "load",
                  "its columns changed since it was asked whether parts can be copied",
                  "Run again.");
  }
  columnar::Connection connection = store_.Connect();  // makes the work folder, too
  std::vector<std::string> paths;
  const auto tails = CopyAll(parts, paths, call);
  LoadedRows rows;
  for (std::size_t i = 0; i < tails.size(); ++i) {
    const auto footer = columnar::ReadFooter(connection, tails[i].part, call.stop);
    std::error_code ignored;
    fs::remove(tails[i].part.file, ignored);
    LearnColumns(footer, call);
    CheckTaken(footer, tails[i].part);
    rows.footer_rows += footer.rows;
    rows.bytes += tails[i].object.bytes;
    files_.push_back(
        {.path = paths[i], .rows = footer.rows, .bytes = tails[i].object.bytes, .copied = true});
  }
  rows.loaded_rows = rows.footer_rows;
  return rows;
}

// The source was read for one version: on another its rows may be there already.
void LakeLoad::CheckUnchanged() const {
  if ((now_ ? now_->version : 0) == base_version_) return;
  std::string who = "its versions are gone";
  if (now_) {
    who = fmt::format("meanwhile version {} was committed by run {}, attempt {}, at {}",
                      now_->version, now_->run.empty() ? "(reset)" : now_->run, now_->attempt,
                      FormatTime(now_->time));
  }
  throw ErrorOn(target(), ErrorCode::kConflict, "commit",
                fmt::format("it was read for version {}; {}", base_version_, who),
                "Nothing was changed. Run again, and let one process at a time sync this table.");
}

LakeCommit LakeLoad::NextVersion(const Committed& row, const model::Proof& proof) const {
  const bool appends = target().write_mode == model::WriteMode::kAppend;
  LakeCommit commit{
      .version = base_version_ + 1,
      .operation = appends ? LakeCommit::Operation::kAppend : LakeCommit::Operation::kOverwrite,
      .time = clock().Utc(),
      .table = target().table,
      .stream = target().stream,
      .run = row.watermark.run,
      .attempt = row.watermark.attempt,
      .watermark = row.watermark,
      .counts = row.counts,
      .proof = proof,
      .columns = plan_.columns,
      .stream_columns = NamesOf(target().columns)};
  if (now_) {
    commit.previous = {now_->version, now_->run, now_->attempt};
    if (appends) commit.files = now_->files;
  }
  for (LakeFile file : files_) {
    file.added_in = commit.version;
    commit.files.push_back(std::move(file));
  }
  return commit;
}

// Before the commit: a stream that points to a table it has no commit in has no watermark.
void LakeLoad::PointStreamHere(const base::Call& call) const {
  const auto there = store_.TableOf(target().stream, call);
  if (there == target().table) return;
  store_.files().Replace(StreamPath(target().stream), FormatStream(target().stream, target().table),
                         call);
}

void LakeLoad::BeginCommit(const base::Call& call) { now_ = table_.Newest(call); }

std::optional<Committed> LakeLoad::LastCommit(const base::Call&) {
  if (!now_) return std::nullopt;
  return Committed{{.stream = now_->stream, .run = now_->run, .attempt = now_->attempt},
                   now_->counts};
}

model::Counts LakeLoad::Bring(const base::Call& call) {
  CheckUnchanged();
  table_.CheckFiles(files_, call);
  PointStreamHere(call);
  return {.inserted = rows()};
}

void LakeLoad::Seal(const Committed& row, const model::Proof& proof, const base::Call& call) {
  LakeCommit commit = NextVersion(row, proof);
  try {
    table_.Commit(commit, call);
  } catch (const base::Error& error) {
    // It may have happened: then a version lists these files.
    if (error.info().in_doubt) wrote_.clear();
    throw;
  }
  wrote_.clear();
  store_.ForgetWhatWasSeen(target().stream);
  now_ = std::move(commit);
}

// A version lists its files now.
std::vector<std::string> LakeLoad::RemoveRecord(const base::Call& call) const {
  try {
    return store_.files().Remove({table_.RecordPath(name_)}, call);
  } catch (const base::Error& error) {
    return {error.what()};
  }
}

void LakeLoad::AfterCommit(const base::Call& call) noexcept {
  auto failures = table_.Expire(
      *now_, {.keep_versions = store_.options_.keep_versions, .keep_for = store_.options_.keep_for},
      clock().Utc(), call);
  if (recorded_ && failures.empty()) failures = RemoveRecord(call);
  if (failures.empty()) return;
  log().Warning("old versions could not all be removed; the next commit tries again",
                {{"table", target().table.ToString()},
                 {"failures", std::to_string(failures.size())},
                 {"first", failures.front()}});
}

}  // namespace sluice::destinations::lake
