// Removal of what we put into the bucket: one attempt's prefix, and the sweep of what dead runs
// left. Nothing outside the own root is ever listed or deleted.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_store.h"
#include "base/error.h"

namespace sluice::staging {

struct CleanResult {
  std::uint64_t objects_deleted = 0;
  std::uint64_t uploads_aborted = 0;
  // What is still there, or may be: keys, or the whole prefix ("s3://bucket/prefix") where it could
  // not even be listed. Empty: the prefix is clean.
  std::vector<std::string> left_behind;
  // False: not even the list could be had, so nothing is known of what is there.
  bool listed = false;
  // The first refusal, for the report. A failing clean-up never masks the error before it.
  std::optional<base::ErrorInfo> error;
};

// Deletes every object beneath `prefix` and aborts its unfinished multipart uploads. May be called
// any number of times. Throws only kInternal, if `prefix` is not beneath `own_root`.
CleanResult CleanPrefix(aws::ObjectStore& store, std::string_view bucket, std::string_view own_root,
                        std::string_view prefix, const base::Call& call);

// The same of several prefixes, all beneath `common`, with one listing of that. If it cannot be
// had, `left_behind` names each of them.
CleanResult CleanPrefixes(aws::ObjectStore& store, std::string_view bucket,
                          std::string_view own_root, std::string_view common,
                          const std::set<std::string>& prefixes, const base::Call& call);

struct SweepOptions {
  std::string own_root;
  std::string current_run;
  std::set<std::string> dead_runs;  // the ledger knows them dead: removed at any age
  std::set<std::string> spared;     // prefixes: what lies beneath stays, as it may yet be loaded
  // Runs the ledger does not know (it was lost, or another machine's) are removed when older than
  // this; above the longest run, so that a live one is never touched.
  std::chrono::hours orphan_age{24};
};

// Removes what earlier runs left beneath the own root. One LIST of objects and one of uploads if
// there is nothing to do. Never throws, as above.
CleanResult Sweep(aws::ObjectStore& store, std::string_view bucket, const SweepOptions& options,
                  base::UtcTime now, const base::Call& call);

// "20260101T000000Z-1a2b3c4d5e6f7081": a run's id tells when it began, so that unfinished uploads,
// of which S3 may not tell the age, can be judged too.
std::string MakeRunId(base::UtcTime now, std::uint64_t random);
std::optional<base::UtcTime> RunTime(std::string_view run);

}  // namespace sluice::staging
