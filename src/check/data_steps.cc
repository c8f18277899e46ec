// What the bucket allows, whether a row gets through, and the destination.
#include <fmt/format.h>

#include <algorithm>

#include "check/steps.h"
#include "redshift/unload_statement.h"
#include "staging/manifest.h"
#include "staging/prefix.h"

namespace sluice::check {
namespace {

// One Parquet file with one row is below 1 kB; more than this is not it.
constexpr std::uint64_t kProbeBytesMax = 1U << 20;
constexpr std::string_view kParquetMagic = "PAR1";
// Keys that begin AWS's shortest session, 900 s, still live this long when UNLOAD starts.
constexpr std::chrono::seconds kKeysLife{600};

struct ProbeParts {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// Reads back what UNLOAD wrote under `prefix`; a text says what is wrong with it.
std::optional<std::string> ReadBack(Checker& checker, const std::string& prefix,
                                    const redshift::UnloadResult& unloaded, ProbeParts& parts) {
  auto& store = checker.parts.store;
  const auto text = store.Get(prefix + "manifest", kProbeBytesMax, checker.NewCall());
  if (!text) return "there is no manifest";
  const auto manifest = staging::ParseManifest(*text, checker.options.bucket, prefix);
  staging::JudgeUnload(unloaded.notice_rows, &manifest);
  if (manifest.rows != 1) return fmt::format("the manifest tells {} rows", manifest.rows);
  for (const auto& part : manifest.parts) {
    const auto body = store.Get(part.key, kProbeBytesMax, checker.NewCall());
    if (!body) return "a part that the manifest lists is not there";
    if (body->size() != part.bytes) return "a part has another size than the manifest tells";
    if (!body->starts_with(kParquetMagic) || !body->ends_with(kParquetMagic)) {
      return "a part is not Parquet";
    }
    parts.bytes += body->size();
  }
  parts.count = manifest.parts.size();
  return std::nullopt;
}

bool IsDeniedByBucket(const base::Error& error) {
  const base::ErrorInfo& info = error.info();
  if (info.reason != "explicit_deny") return false;
  const auto policy = info.facts.find("policy");
  return policy == info.facts.end() || policy->second == "bucket" || policy->second == "unknown";
}

// What S3 tells with every PUT, without a further right.
void AdviseOnBucket(Checker& checker, const aws::PutResult& put) {
  const std::string subject = "bucket " + checker.options.bucket;
  if (!put.version_id.empty()) {
    checker.Report("bucket_rights.versioned", "versioning is switched on", subject);
  } else if (put.expiration.empty()) {
    checker.Report("bucket_rights.no_lifecycle",
                   fmt::format("no rule expires what stays under {}", checker.options.root),
                   subject);
  }
}

}  // namespace

void CheckBucket(Checker& checker) {
  const auto& options = checker.options;
  const std::string region = checker.parts.store.BucketRegion(checker.NewCall());
  checker.bucket_region = region;
  const std::string subject = "bucket " + options.bucket;
  if (region != options.bucket_region) {
    checker.Report("bucket.region_differs",
                   fmt::format("the bucket is in {}, the configuration says {}", region,
                               options.bucket_region),
                   subject);
    return;
  }
  checker.Report("bucket.ok", fmt::format("{} in {}", options.bucket, region));
}

void CheckBucketRights(Checker& checker) {
  auto& store = checker.parts.store;
  const std::string key = checker.run_prefix + "probe";
  constexpr std::string_view kBody = "Written by `sluice check`; it may be deleted.\n";
  const Facts own = {{"left_behind", fmt::format("s3://{}/{}", checker.options.bucket, key)}};
  const std::string subject = fmt::format("s3://{}/{}", checker.options.bucket, checker.own_root);
  // Each right by itself: whoever writes the policy wants to know all that is missing.
  int failed = 0;
  const auto attempt = [&](auto&& action) {
    try {
      action();
    } catch (...) {
      if (checker.stopped()) throw;
      ++failed;
      checker.ReportFailure(Step::kBucketRights, subject, own);
    }
  };
  std::optional<aws::PutResult> put;
  bool only_unload_may = false;
  std::optional<base::Error> put_denied;  // by a policy of the bucket, as far as AWS tells
  attempt([&] {
    try {
      put = store.Put(key, kBody, checker.NewCall());
    } catch (const base::Error& error) {
      if (!IsDeniedByBucket(error)) throw;
      // A bucket may demand that each PUT names KMS. "auto" means the bucket's own key, which only
      // UNLOAD can ask for: it then proves the writing, and the reading and deleting with it.
      only_unload_may = checker.options.kms_key == "auto";
      if (!only_unload_may) put_denied = error;
    }
  });
  std::optional<std::string> body;
  if (put) attempt([&] { body = store.Get(key, kProbeBytesMax, checker.NewCall()); });
  std::optional<std::vector<aws::ObjectInfo>> listed;
  attempt([&] { listed = store.List(checker.run_prefix, checker.NewCall()); });
  if (put_denied) {
    attempt([&] {
      base::ErrorInfo info = put_denied->info();
      // Where the bucket cannot be listed either, it is no matter of how objects are encrypted.
      if (listed) info.reason = "kms_guess";
      throw base::Error(std::move(info));
    });
  }
  std::vector<aws::DeleteFailure> refused;
  if (put) attempt([&] { refused = store.Delete({key}, checker.NewCall()); });
  if (!refused.empty()) {
    checker.Report("bucket_rights.delete_refused",
                   fmt::format("delete was refused: {}", refused.front().code), subject, own);
  }
  if (failed > 0 || !refused.empty() || !listed) return;
  if (only_unload_may) {
    return checker.Report("bucket_rights.ok",
                          fmt::format("list under {}; the bucket takes only what is encrypted with "
                                      "its key, so the UNLOAD proves the rest",
                                      subject));
  }
  if (body != kBody) {
    checker.Report("bucket_rights.get_differs", "the probe object came back changed", subject);
  } else if (std::none_of(listed->begin(), listed->end(),
                          [&](const auto& object) { return object.key == key; })) {
    checker.Report("bucket_rights.list_incomplete", "the probe object is not listed", subject);
  } else {
    checker.Report("bucket_rights.ok", fmt::format("put, get, list and delete under {}", subject));
    AdviseOnBucket(checker, *put);
  }
}

void CheckUnload(Checker& checker) {
  const auto& options = checker.options;
  const std::string prefix = staging::AttemptPrefix(checker.run_prefix, "check", "one-row");
  const auto auth = checker.parts.unload_auth(checker.run_prefix, kKeysLife, checker.NewCall());
  if (checker.parts.unload_keys_narrowed && !checker.parts.unload_keys_narrowed()) {
    checker.Report("unload.keys_not_narrowed",
                   "IAM refuses sts:GetFederationToken, so the keys in the UNLOAD keep all rights "
                   "of the user");
  }
  const auto statement =
      redshift::BuildUnload("SELECT 1 AS \"one\"",
                            {.staging_prefix = fmt::format("s3://{}/{}", options.bucket, prefix),
                             .bucket_region = options.bucket_region,
                             .kms_key = options.kms_key},
                            auth);
  const auto unloaded = checker.session->Unload(statement, checker.NewCall());
  ProbeParts parts;
  if (const auto wrong = ReadBack(checker, prefix, unloaded, parts)) {
    checker.Report("unload.unreadable", *wrong);
    return;
  }
  checker.Report("unload.ok", fmt::format("one row written by Redshift and read back ({} part{}, "
                                          "{} bytes)",
                                          parts.count, parts.count == 1 ? "" : "s", parts.bytes));
}

}  // namespace sluice::check
