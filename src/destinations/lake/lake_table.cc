#include "destinations/lake/lake_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "destinations/lake/lake_path.h"

namespace sluice::destinations::lake {
namespace {

using base::ErrorCode;

constexpr std::string_view kCommits = "_commits";
constexpr std::string_view kData = "data";
constexpr std::string_view kLoads = "_loads";
// A commit file lists every data file of its version: this is room for some 300,000.
constexpr std::uint64_t kCommitBytesMax = 64ULL << 20;
// Between a listing and a read the newest version may have been overtaken and expired.
constexpr int kLooksMax = 5;

std::string CommitPath(std::uint64_t version) {
  return std::string(kCommits) + "/" + CommitName(version);
}

}  // namespace

LakeTable::LakeTable(LakeFiles& files, const model::TableName& name)
    : files_(files), name_(name), path_(TablePath(name)) {}

std::vector<std::uint64_t> LakeTable::Versions(const base::Call& call) const {
  std::vector<std::uint64_t> versions;
  for (const FileInfo& file : files_.List(PathOf(std::string(kCommits)), call)) {
    if (const auto version = VersionOf(file.name)) versions.push_back(*version);
  }
  std::sort(versions.begin(), versions.end());
  return versions;
}

std::optional<LakeCommit> LakeTable::ReadVersion(std::uint64_t version,
                                                 const base::Call& call) const {
  const std::string path = PathOf(CommitPath(version));
  const auto text = files_.Read(path, kCommitBytesMax, call);
  if (!text) return std::nullopt;
  const std::string subject = "commit file " + files_.Where(path);
  LakeCommit commit = ParseCommit(*text, subject);
  if (commit.version == version && commit.table == name_) return commit;
  throw base::Error(
      {.code = ErrorCode::kCorrupt,
       .operation = "read the lake",
       .subject = subject,
       .message = fmt::format("it says it is version {} of table {}", commit.version,
                              commit.table.ToString()),
       .remedy = "Somebody moved or copied it here. Bring the right file back, or remove the "
                 "table's folder and run with --full."});
}

std::optional<LakeCommit> LakeTable::Newest(const base::Call& call) const {
  std::uint64_t version = 0;
  for (int i = 0; i < kLooksMax; ++i) {
    const auto versions = Versions(call);
    if (versions.empty() && version == 0) return std::nullopt;
    // Listed twice and not there: that is no expiry.
    if (!versions.empty() && versions.back() == version) break;
    version = versions.empty() ? version : versions.back();
    if (auto commit = ReadVersion(version, call)) return commit;
  }
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = "read the lake",
                     .subject = "commit file " + files_.Where(PathOf(CommitPath(version))),
                     .message = "it is listed, and cannot be found",
                     .remedy = "Somebody else may be removing the table: run again when they are "
                               "done."});
}

void LakeTable::ThrowOvertaken(const LakeCommit& commit, const LakeCommit* winner) const {
  std::string message = fmt::format("version {} was made by another process", commit.version);
  if (winner != nullptr) {
    message =
        fmt::format("version {} was committed by run {}, attempt {}, at {}", winner->version,
                    winner->run.empty() ? "(reset)" : winner->run,
                    winner->attempt.empty() ? "(none)" : winner->attempt, FormatTime(winner->time));
  }
  throw base::Error({.code = ErrorCode::kConflict,
                     .operation = "commit",
                     .subject = "table " + name_.ToString() + " in " + files_.Where(path_),
                     .message = std::move(message),
                     .remedy = "Nothing was changed. Run again, and let one process at a time sync "
                               "this table."});
}

void LakeTable::Commit(const LakeCommit& commit, const base::Call& call) const {
  const std::string path = PathOf(CommitPath(commit.version));
  bool made = false;
  try {
    made = files_.Create(path, FormatCommit(commit), call);
  } catch (const base::Error& error) {
    if (!error.info().in_doubt) throw;
    // The line broke; perhaps it was the answer's alone. If this fails, too, it stays in doubt.
    std::optional<LakeCommit> there;
    try {
      there = ReadVersion(commit.version, call);
    } catch (const base::Error&) {
      throw error;
    }
    if (!there) throw;
    made = there->run == commit.run && there->attempt == commit.attempt;
  }
  if (!made) {
    const auto winner = ReadVersion(commit.version, call);
    ThrowOvertaken(commit, winner ? &*winner : nullptr);
  }
  CheckNotOvertaken(commit, call);
}

// Between our look and our commit others may have committed so often that the version of our number
// had come and expired: then the name was free, and what we made is in the past. A version that
// followed ours names it, or lists its files.
void LakeTable::CheckNotOvertaken(const LakeCommit& commit, const base::Call& call) const {
  std::optional<LakeCommit> newest;
  try {
    const auto versions = Versions(call);
    if (versions.empty() || versions.back() <= commit.version) return;
    newest = Newest(call);
    if (!newest || newest->version <= commit.version) return;
    const auto next =
        newest->version == commit.version + 1 ? newest : ReadVersion(commit.version + 1, call);
    const LakeCommit::Previous ours{commit.version, commit.run, commit.attempt};
    if (next && next->previous == ours) return;
    for (const LakeFile& file : commit.files) {
      if (std::find(newest->files.begin(), newest->files.end(), file) != newest->files.end()) {
        return;
      }
    }
  } catch (const base::Error&) {
    return;  // It was made, and almost surely is the newest: not knowing is no failure.
  }
  try {
    files_.Remove({PathOf(CommitPath(commit.version))}, call);
  } catch (const base::Error&) {
    // Nobody takes it for the newest; it expires with the next commit.
  }
  ThrowOvertaken(commit, &*newest);
}

void LakeTable::CheckFiles(const std::vector<LakeFile>& files, const base::Call& call) const {
  if (files.empty()) return;
  std::map<std::string, std::uint64_t> there;
  for (const FileInfo& file : files_.List(PathOf(std::string(kData)), call)) {
    there.emplace(fmt::format("{}/{}", kData, file.name), file.bytes);
  }
  for (const LakeFile& file : files) {
    const auto found = there.find(file.path);
    if (found != there.end() && found->second == file.bytes) continue;
    throw base::Error(
        {.code = ErrorCode::kCorrupt,
         .operation = "commit",
         .subject = "data file " + files_.Where(PathOf(file.path)),
         .message = found == there.end() ? std::string("it vanished after it was written")
                                         : fmt::format("it has {} bytes, and was written with {}",
                                                       found->second, file.bytes),
         .remedy = "Nothing was committed. Something else removes or changes files of the lake (a "
                   "lifecycle rule?): exempt it, then run again."});
  }
}

std::string LakeTable::RecordPath(std::string_view load) const {
  return PathOf(fmt::format("{}/{}", kLoads, RecordName(load)));
}

void LakeTable::Record(std::string_view load, std::string_view stream,
                       const base::Call& call) const {
  // Each load has a name of its own, so nothing is replaced.
  files_.Replace(RecordPath(load), FormatStream(stream, name_), call);
}

struct LakeTable::Doomed {
  std::vector<std::string> commits;
  std::vector<std::string> data;
  std::vector<std::string> records;
};

// Files that no version lists, of loads that died: those of our own form, which a load recorded.
void LakeTable::ChooseOrphans(const std::set<std::string>& listed,
                              const std::set<std::string>& expired, base::UtcTime now,
                              const base::Call& call, Doomed& doomed) const {
  const auto is_old = [&](const FileInfo& file) { return now - file.modified > kOrphanAge; };
  const auto choose_hidden = [&](std::string_view folder, const std::vector<FileInfo>& files) {
    for (const FileInfo& file : files) {
      if (!IsHiddenName(file.name) || !is_old(file)) continue;
      doomed.data.push_back(PathOf(fmt::format("{}/{}", folder, file.name)));
    }
  };
  std::map<std::string, bool> loads;  // whether the record may go
  const auto records = files_.ListOwn(PathOf(std::string(kLoads)), call);
  for (const FileInfo& file : records) {
    if (const auto load = LoadOfRecord(file.name)) loads[*load] = is_old(file);
  }
  for (const FileInfo& file : files_.ListOwn(PathOf(std::string(kData)), call)) {
    const auto load = LoadOf(file.name);
    const std::string path = fmt::format("{}/{}", kData, file.name);
    if (!load || listed.contains(path)) continue;
    const auto record = loads.find(*load);
    if (expired.contains(path) || (record != loads.end() && is_old(file))) {
      doomed.data.push_back(PathOf(path));
    } else if (record != loads.end()) {
      record->second = false;
    }
  }
  for (const auto& [load, may_go] : loads) {
    if (may_go) doomed.records.push_back(RecordPath(load));
  }
  choose_hidden(kLoads, records);
  choose_hidden(kCommits, files_.ListOwn(PathOf(std::string(kCommits)), call));
}

LakeTable::Doomed LakeTable::Choose(const LakeCommit& newest, const Retention& retention,
                                    base::UtcTime now, const base::Call& call) const {
  Doomed doomed;
  std::set<std::string> listed;
  std::set<std::string> expired;
  const auto list = [](std::set<std::string>& into, const LakeCommit& commit) {
    for (const LakeFile& file : commit.files) into.insert(file.path);
  };
  auto versions = Versions(call);
  std::erase_if(versions, [&](std::uint64_t version) { return version > newest.version; });
  int kept = 0;
  base::UtcTime replaced_at = now;  // when the version at hand ceased to be the newest
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    auto commit = *version == newest.version ? std::optional(newest) : ReadVersion(*version, call);
    if (!commit) continue;  // somebody else expired it
    const bool young = now - replaced_at < retention.keep_for;
    if (kept < std::max(retention.keep_versions, 1) || young) {
      list(listed, *commit);
      ++kept;
    } else {
      list(expired, *commit);
      doomed.commits.push_back(PathOf(CommitPath(*version)));
    }
    replaced_at = commit->time;
  }
  // Oldest first, so that what a failure leaves is the newer end of the row.
  std::reverse(doomed.commits.begin(), doomed.commits.end());
  ChooseOrphans(listed, expired, now, call, doomed);
  return doomed;
}

std::vector<std::string> LakeTable::Expire(const LakeCommit& newest, const Retention& retention,
                                           base::UtcTime now,
                                           const base::Call& call) const noexcept {
  try {
    const Doomed doomed = Choose(newest, retention, now, call);
    // Commit files first: no reader may find one whose files are gone.
    auto failures = files_.Remove(doomed.commits, call);
    if (!failures.empty()) return failures;
    failures = files_.Remove(doomed.data, call);
    if (!failures.empty()) return failures;
    // Last: without its record what is left of a load would stay for ever.
    return files_.Remove(doomed.records, call);
  } catch (...) {
    return {base::AsError(std::current_exception()).what()};
  }
}

}  // namespace sluice::destinations::lake
