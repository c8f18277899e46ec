#include "check/finding.h"

#include <algorithm>
#include <cstdlib>

#include "base/fill.h"

namespace sluice::check {
namespace {

struct StepText {
  Step step;
  std::string_view name;
  std::string_view title;
  std::string_view why;  // of "<step>.failed"
};

constexpr StepText kSteps[] = {
    {Step::kConfiguration, "configuration", "Configuration", "The configuration cannot be used."},
    {Step::kNetwork, "network", "Network", "The workgroup must be reachable from here."},
    {Step::kIdentity, "identity", "AWS identity",
     "Without an AWS identity nothing else can be asked for."},
    {Step::kDatabaseCredentials, "database_credentials", "Database credentials",
     "AWS gives the database's user and password for an hour; without them nobody logs in."},
    {Step::kLogin, "login", "Log-in",
     "The workgroup must be reachable from here and accept the log-in."},
    {Step::kDatabaseUser, "database_user", "Database user", "The server did not tell who we are."},
    {Step::kStreams, "streams", "Streams", "This stream cannot be read."},
    {Step::kBucket, "bucket", "Staging bucket", "Rows travel through this bucket."},
    {Step::kBucketRights, "bucket_rights", "Bucket rights",
     "Sluice must be able to write, read, list and delete under its own root."},
    {Step::kUnload, "unload", "UNLOAD",
     "Redshift must be able to write into the bucket with the keys that Sluice gives it."},
    {Step::kLocal, "local", "Local files",
     "Sluice records its runs in a ledger and keeps parts on their way on local disk."},
    {Step::kDestination, "destination", "Destination", "Tables land there."},
};

const StepText& TextOf(Step step) {
  return *std::find_if(std::begin(kSteps), std::end(kSteps),
                       [&](const StepText& text) { return text.step == step; });
}

const FindingKind* FindKind(std::string_view id) {
  const auto kinds = FindingKinds();
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&](const FindingKind& k) { return k.id == id; });
  return kind == kinds.end() ? nullptr : &*kind;
}

}  // namespace

std::string_view StepName(Step step) { return TextOf(step).name; }
std::string_view StepTitle(Step step) { return TextOf(step).title; }
std::string_view StepWhy(Step step) { return TextOf(step).why; }

std::span<const Step> Steps() {
  static const auto steps = [] {
    std::vector<Step> all;
    for (const auto& text : kSteps) all.push_back(text.step);
    return all;
  }();
  return steps;
}

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kOk: return "ok";
    case Severity::kAdvice: return "advice";
    case Severity::kWarning: return "warning";
    case Severity::kFailure: return "failure";
    case Severity::kSkipped: return "skipped";
  }
  return "skipped";
}

std::span<const FindingKind> FindingKinds() {
  static const auto kinds = [] {
    const auto first = ConnectionFindings();
    const auto second = DataFindings();
    std::vector<FindingKind> all(first.begin(), first.end());
    all.insert(all.end(), second.begin(), second.end());
    return all;
  }();
  return kinds;
}

Finding MakeFinding(std::string_view id, std::string subject, std::string seen,
                    const Facts& facts) {
  const FindingKind* const kind = FindKind(id);
  if (kind == nullptr) std::abort();  // a broken invariant: the tests name every id
  return {.id = std::string(id),
          .step = kind->step,
          .severity = kind->severity,
          .subject = std::move(subject),
          .seen = std::move(seen),
          .why = base::Fill(kind->why, facts),
          .remedy = base::Fill(kind->remedy, facts),
          .code = std::nullopt,
          .title = std::string(kind->title),
          .cause = {}};
}

Finding MakeFailure(Step step, std::string subject, const base::ErrorInfo& error,
                    const Facts& facts) {
  std::string seen = error.message;
  if (!error.operation.empty()) seen = error.operation + ": " + seen;
  if (subject.empty()) subject = error.subject;
  // Where it only repeats the message it tells nothing.
  const std::string cause = error.cause == error.message ? "" : error.cause;
  const auto rules = FailureRules();
  const auto action = error.facts.find("action");
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const FailureRule& r) {
    return !error.reason.empty() && r.step == step && r.reason == error.reason &&
           (r.operation.empty() || r.operation == error.operation) &&
           (r.action.empty() || (action != error.facts.end() && action->second == r.action));
  });
  if (rule != rules.end()) {
    Facts all = error.facts;
    all["remedy"] = error.remedy;
    all.insert(facts.begin(), facts.end());
    Finding finding = MakeFinding(rule->id, std::move(subject), std::move(seen), all);
    finding.step = step;
    finding.code = error.code;
    finding.cause = cause;
    return finding;
  }
  const StepText& text = TextOf(step);
  return {.id = std::string(text.name) + ".failed",
          .step = step,
          .severity = Severity::kFailure,
          .subject = std::move(subject),
          .seen = std::move(seen),
          .why = std::string(text.why),
          .remedy = error.remedy.empty() ? "Run again with --verbose for more." : error.remedy,
          .code = error.code,
          .title = {},
          .cause = cause};
}

}  // namespace sluice::check
