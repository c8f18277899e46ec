#include "destinations/lake/lake_store.h"

#include <fmt/format.h>

#include <utility>

#include "base/random.h"
#include "columnar/engine_share.h"
#include "destinations/lake/lake_load.h"
#include "destinations/lake/lake_path.h"
#include "destinations/lake/lake_schema.h"
#include "destinations/own_schema.h"

namespace sluice::destinations::lake {
namespace {

using base::ErrorCode;

constexpr std::uint64_t kStreamBytesMax = 64 << 10;
// Close may be called with no deadline; what loads gave up is not worth more.
constexpr std::chrono::seconds kTidyPatience{60};

void CheckOption(bool holds, std::string field, std::string message, std::string remedy) {
  if (holds) return;
  throw base::Error({.code = ErrorCode::kInvalidConfig,
                     .operation = "open lake",
                     .subject = std::move(field),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

LakeOptions Checked(LakeOptions options) {
  CheckOption(options.folder.empty() != (options.store == nullptr), "destination.path",
              "a lake is either a folder or in a bucket",
              "Give `path: lake/`, or `path: s3://bucket/prefix/`.");
  CheckOption(options.prefix.empty() || options.prefix.back() == '/', "destination.path",
              "its prefix does not end in '/'", "Write a '/' at its end.");
  CheckOption(options.keep_versions >= 1, "destination.keep_versions",
              fmt::format("{} is below 1", options.keep_versions), "Give at least 1.");
  CheckOption(options.memory_limit_mb >= 64, "destination.memory_limit_mb",
              fmt::format("{} is below 64", options.memory_limit_mb), "Give at least 64.");
  CheckOption(options.threads >= 1, "destination.threads",
              fmt::format("{} is below 1", options.threads), "Give at least 1.");
  CheckOption(!options.work_dir.empty(), "limits.work_dir", "it is empty", "Name a folder.");
  if (options.parts_dir.empty()) options.parts_dir = options.work_dir;
  return options;
}

}  // namespace

std::unique_ptr<Destination> OpenLake(const LakeOptions& options, const base::Clock& clock,
                                      base::Logger& log) {
  return std::make_unique<LakeStore>(options, clock, log);
}

LakeStore::LakeStore(LakeOptions options, const base::Clock& clock, base::Logger& log)
    : options_(Checked(std::move(options))),
      clock_(clock),
      log_(log),
      work_(options_.work_dir, "lake") {
  if (options_.store == nullptr) {
    files_ = OpenFolder(options_.folder);
  } else {
    files_ = OpenBucket(*options_.store, options_.bucket, options_.prefix, work_.path());
  }
}

Capabilities LakeStore::Describe() const {
  return {.overwrite = true,
          .append = true,
          .parallel_loads = true,
          .takes_staged = options_.store != nullptr && !options_.staging_bucket.empty()};
}

std::string LakeStore::Name() const {
  return options_.store != nullptr ? "lake " + files_->Where("")
                                   : "lake " + options_.folder.filename().string();
}

columnar::Connection LakeStore::Connect() {
  const std::lock_guard lock(mu_);
  if (!database_) {
    work_.Make();
    std::vector<std::filesystem::path> folders{options_.parts_dir, work_.path()};
    if (!options_.folder.empty()) folders.push_back(options_.folder);
    database_.emplace(columnar::Database::Open({.memory_limit_mb = options_.memory_limit_mb,
                                                .threads = options_.threads,
                                                .temp_dir = work_.path() / "spill",
                                                .folders = std::move(folders)}));
  }
  return database_->Connect();
}

void LakeStore::OnWideRows() {
  const std::lock_guard lock(mu_);
  // Pages, the rows of a vector and those of a row group are all within DuckDB's limit here; what
  // it lets go of goes back at once, so it may have what the program may take beyond.
  if (database_) database_->Share(options_.memory_limit_mb + columnar::kBeyondMb, 1);
}

std::optional<model::TableName> LakeStore::TableOf(std::string_view stream,
                                                   const base::Call& call) {
  const std::string path = StreamPath(stream);
  const auto text = files_->Read(path, kStreamBytesMax, call);
  if (!text) return std::nullopt;
  return ParseStream(*text, stream, "stream file " + files_->Where(path));
}

std::optional<Committed> LakeStore::ReadCommitted(std::string_view stream, const base::Call& call) {
  const auto table = TableOf(stream, call);
  if (!table) return std::nullopt;
  const auto commit = LakeTable(*files_, *table).Newest(call);
  const bool ours = commit && commit->stream == stream;
  {
    const std::lock_guard lock(mu_);
    seen_[std::string(stream)] = {*table, commit ? commit->version : 0};
  }
  if (!ours || commit->forgotten) return std::nullopt;
  return Committed{commit->watermark, commit->counts};
}

bool LakeStore::TakesStaged(const model::StreamTarget& target, const base::Call& call) {
  if (!Describe().takes_staged) return false;
  CheckTarget(target);
  const auto before = LakeTable(*files_, target.table).Newest(call);
  return TakesParts(target, PlanColumns(target, before ? &*before : nullptr));
}

void LakeStore::Forget(std::string_view stream, const base::Call& call) {
  const auto name = TableOf(stream, call);
  if (!name) return;
  const LakeTable table(*files_, *name);
  auto commit = table.Newest(call);
  if (!commit || commit->stream != stream || commit->forgotten) return;
  commit->previous = {commit->version, commit->run, commit->attempt};
  ++commit->version;
  commit->operation = LakeCommit::Operation::kForget;
  commit->time = clock_.Utc();
  commit->run.clear();
  commit->attempt = fmt::format("forget-{:016x}", base::RandomBits());
  commit->forgotten = true;
  commit->watermark = {};
  commit->counts = {};
  commit->proof = {};
  table.Commit(*commit, call);
  ForgetWhatWasSeen(stream);
}

void LakeStore::ForgetWhatWasSeen(std::string_view stream) {
  const std::lock_guard lock(mu_);
  if (const auto it = seen_.find(stream); it != seen_.end()) seen_.erase(it);
}

void LakeStore::CheckTarget(const model::StreamTarget& target) const {
  RequireForeignSchema(target);
  if (target.columns.empty()) {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "begin load",
                       .subject = "table " + target.table.ToString(),
                       .message = "it has no columns",
                       .remedy = "Select some."});
  }
  if (!model::MeetsByKey(target.write_mode)) return;
  const bool merge = target.write_mode == model::WriteMode::kMerge;
  throw base::Error({.code = ErrorCode::kUnsupported,
                     .operation = "begin load",
                     .subject = "table " + target.table.ToString(),
                     .message = merge
                                    ? "a lake's files are never rewritten, so rows cannot be merged"
                                    : "a lake's files are never rewritten, so no version of a "
                                      "row can end",
                     .remedy = "Set write_mode: overwrite or append for this stream, or use a "
                               "DuckDB or PostgreSQL destination, which can."});
}

std::unique_ptr<Load> LakeStore::Begin(const model::StreamTarget& target, const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("begin load", target.stream);
  CheckTarget(target);
  auto claim = claims_.Take(target);
  std::optional<std::uint64_t> seen;
  {
    const std::lock_guard lock(mu_);
    if (const auto it = seen_.find(target.stream); it != seen_.end()) {
      if (it->second.first == target.table) seen = it->second.second;
      seen_.erase(it);
    }
  }
  return std::make_unique<LakeLoad>(*this, target, std::move(claim), seen, call);
}

model::Landing LakeStore::Examine(const model::StreamTarget& target, const base::Call& call) {
  if (call.stop.stop_requested()) base::ThrowCancelled("examine", target.stream);
  CheckTarget(target);
  // Begun and dropped: a load makes nothing before it is given parts.
  return LakeLoad(*this, target, claims_.Take(target), std::nullopt, call).Describe();
}

void LakeStore::Probe(const base::Call& call) { files_->Probe(call); }

void LakeStore::Abandon(std::vector<std::string> names, std::string record) {
  const std::lock_guard lock(mu_);
  abandoned_records_.push_back(std::move(record));
  std::move(names.begin(), names.end(), std::back_inserter(abandoned_));
}

void LakeStore::Close() {
  std::vector<std::string> names;
  std::vector<std::string> records;
  {
    const std::lock_guard lock(mu_);
    names.swap(abandoned_);
    records.swap(abandoned_records_);
    database_.reset();
    work_.Remove();
  }
  if (names.empty()) return;
  const auto warn = [&](const std::string& reason) {
    log_.Warning("files of a load that was given up stay in the lake for 48 hours",
                 {{"lake", Name()}, {"reason", reason}});
  };
  try {
    const base::Call call{.deadline = base::Deadline::After(clock_, kTidyPatience), .stop = {}};
    auto failures = files_->Remove(names, call);
    if (failures.empty()) failures = files_->Remove(records, call);
    if (!failures.empty()) warn(failures.front());
  } catch (const base::Error& error) {
    warn(error.what());
  }
}

}  // namespace sluice::destinations::lake
