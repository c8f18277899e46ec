#include "check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "check/steps.h"
#include "redshift/identity.h"
#include "staging/clean.h"
#include "staging/prefix.h"

namespace sluice::check {
namespace {

constexpr std::chrono::minutes kStepPatience{3};

struct StepRow {
  Step step;
  void (*run)(Checker&);
  std::vector<Step> needs;  // it makes no sense if one of these failed
};

// In this order; a new step is a row here.
const std::vector<StepRow>& Rows() {
  static const std::vector<StepRow> rows = {
      {Step::kConfiguration, CheckConfiguration, {}},
      {Step::kIdentity, CheckIdentity, {}},
      {Step::kDatabaseCredentials, CheckDatabaseCredentials, {Step::kIdentity}},
      {Step::kNetwork, CheckNetwork, {}},  // began long before: see StartProbe
      {Step::kLogin, CheckLogin, {Step::kNetwork, Step::kIdentity, Step::kDatabaseCredentials}},
      {Step::kDatabaseUser, CheckDatabaseUser, {Step::kLogin}},
      {Step::kStreams, CheckStreams, {Step::kLogin}},
      {Step::kBucket, CheckBucket, {Step::kIdentity}},
      {Step::kBucketRights, CheckBucketRights, {Step::kIdentity, Step::kBucket}},
      {Step::kUnload, CheckUnload, {Step::kLogin, Step::kBucketRights}},
      {Step::kLocal, CheckLocal, {}},
      {Step::kDestination, CheckDestination, {}},
  };
  return rows;
}

bool IsWanted(Only only, Step step) {
  const bool landing = step == Step::kLocal || step == Step::kDestination;
  return only == Only::kAll || (only == Only::kDestination) == landing;
}

// The step that hinders `row`, if one does. A database user that differs from the one submitted is
// a failure, yet it can log in, and what it then sees tells more: so the log-in asks for
// credentials to be there, not for the step to be without findings.
std::optional<Step> Hindrance(const Checker& checker, const StepRow& row) {
  for (const Step need : row.needs) {
    if (need == Step::kDatabaseCredentials) {
      if (!checker.credentials) return need;
    } else if (need == Step::kLogin) {
      if (!checker.session) return need;
    } else if (checker.Failed(need)) {
      return need;
    }
  }
  return std::nullopt;
}

void RunSteps(Checker& checker) {
  const Only only = checker.options.only;
  if (IsWanted(only, Step::kNetwork)) StartProbe(checker);
  for (const StepRow& row : Rows()) {
    if (checker.stopped()) return;
    if (!IsWanted(only, row.step)) continue;
    if (row.step == Step::kIdentity) checker.Hold();
    if (const auto because = Hindrance(checker, row)) {
      checker.ReportSkipped(row.step, *because);
      continue;
    }
    try {
      row.run(checker);
    } catch (...) {
      if (checker.stopped()) return;
      checker.ReportFailure(row.step);
    }
    if (row.step == Step::kNetwork) checker.Release();
  }
}

// Whatever a step left, by failing or by Ctrl-C: also runs after a stop, hence without its token.
void CleanUp(Checker& checker) {
  const base::Call call{.deadline = base::Deadline::After(checker.parts.clock, kStepPatience)};
  checker.session.reset();
  // Without an identity, or if the bucket was never reached, nothing can have been written.
  if (!checker.caller || checker.Failed(Step::kBucket)) return;
  const auto cleaned = staging::CleanPrefix(checker.parts.store, checker.options.bucket,
                                            checker.own_root, checker.run_prefix, call);
  if (cleaned.left_behind.empty() || checker.Failed(Step::kBucketRights)) return;
  checker.Report(
      "unload.left_behind", fmt::format("{} could not be removed", cleaned.left_behind.front()), "",
      {{"left_behind", fmt::format("s3://{}/{}", checker.options.bucket, checker.run_prefix)}});
}

Facts FactsOf(const CheckOptions& options) {
  return {{"bucket", options.bucket},
          {"root", options.root},
          {"workgroup", options.workgroup},
          {"workgroup_region", options.region},
          {"asked_bucket_region", options.bucket_region},
          {"database", options.database},
          {"host", options.endpoint.host},
          {"port", std::to_string(options.port)},
          {"roots_file", options.roots_file},
          {"role_arn", options.role_arn},
          // Without a slash there is no name in it.
          {"role_name", options.role_arn.find('/') == std::string::npos
                            ? ""
                            : options.role_arn.substr(options.role_arn.rfind('/') + 1)},
          {"duration_seconds", std::to_string(options.role_duration.count())},
          {"submitted", options.submitted_user},
          {"submitted_plain", redshift::StripDbUser(options.submitted_user)},
          {"tag", options.tag_db_user},
          {"db_roles", options.tag_db_roles}};
}

// "arn:aws:sts::1:assumed-role/NAME/SESSION" -> "NAME"; empty if it is no session of a role.
std::string RoleOfSession(std::string_view arn) {
  constexpr std::string_view kRole = ":assumed-role/";
  const auto at = arn.find(kRole);
  if (at == std::string_view::npos) return "";
  const auto name = arn.substr(at + kRole.size());
  return std::string(name.substr(0, name.find('/')));
}

void AddProbe(Facts& facts, const pq::ProbeResult& probe, const std::string& host) {
  facts["address"] = probe.address.empty() ? host : probe.address;
  facts["local_address"] = probe.local_address;
  facts["certificate_names"] = Joined(probe.names, "nobody");
  facts["valid_until"] = probe.valid_until;
}

}  // namespace

std::string Joined(const std::vector<std::string>& names, std::string_view if_none) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? std::string(if_none) : text;
}

void Checker::Add(Finding finding) {
  if (finding.severity == Severity::kFailure) failed_.insert(finding.step);
  if (holding_ && finding.step != Step::kNetwork) {
    held_.push_back(std::move(finding));
  } else {
    Tell(std::move(finding));
  }
}

void Checker::Release() {
  holding_ = false;
  for (auto& finding : std::exchange(held_, {})) Tell(std::move(finding));
}

void Checker::Tell(Finding finding) {
  if (parts.on_finding) parts.on_finding(finding);
  findings.push_back(std::move(finding));
}

void Checker::Report(std::string_view id, std::string seen, std::string subject, Facts own) {
  own.merge(Known());
  Add(MakeFinding(id, std::move(subject), std::move(seen), own));
}

void Checker::ReportFailure(Step step, std::string subject, Facts own) {
  ReportFailure(step, base::AsError(std::current_exception()).info(), std::move(subject),
                std::move(own));
}

void Checker::ReportFailure(Step step, const base::ErrorInfo& error, std::string subject,
                            Facts own) {
  own.merge(Known());
  Add(MakeFailure(step, std::move(subject), error, own));
}

Facts Checker::Known() const {
  Facts facts = FactsOf(options);
  facts["our_time"] = TimeText(parts.clock.Utc());
  facts["bucket_region"] = bucket_region;
  facts["keys_from"] = keys_from;
  facts["key_id"] = keys_from;
  facts["grants"] = grants.to_user;
  facts["grants_tagged"] = grants.to_tagged;
  facts["grants_submitted"] = grants.to_submitted;
  if (credentials) facts["db_user"] = credentials->user;
  if (caller) {
    facts["arn"] = caller->arn;
    facts["account"] = caller->account;
    if (const auto name = RoleOfSession(caller->arn); !name.empty()) facts["role_name"] = name;
  }
  // A remedy then shows <name>.
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  if (probed) AddProbe(facts, *probed, options.endpoint.host);
  return facts;
}

void Checker::KeepFailure(base::ErrorInfo error, std::string subject) {
  if (!subject.empty() && error.reason.empty() && error.code == base::ErrorCode::kUnsupported) {
    error.reason = "target";
  }
  of_destination.push_back(MakeFailure(Step::kDestination, std::move(subject), error, Known()));
}

void Checker::TellDestination() {
  for (auto& finding : std::exchange(of_destination, {})) Add(std::move(finding));
}

void Checker::ReportSkipped(Step step, Step because) {
  failed_.insert(step);
  Add({.id = std::string(StepName(step)) + ".skipped",
       .step = step,
       .severity = Severity::kSkipped,
       .seen = fmt::format("not checked: needs {}", StepTitle(because))});
}

base::Call Checker::NewCall() const {
  return {.deadline = base::Deadline::After(parts.clock, kStepPatience), .stop = stop_};
}

std::size_t Findings::Count(Severity severity) const {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const Finding& finding) { return finding.severity == severity; }));
}

Findings Run(const CheckOptions& options, const CheckParts& parts, std::stop_token stop) {
  const auto began = parts.clock.Steady();
  Checker checker(options, parts, stop);
  std::random_device random;
  checker.own_root = staging::OwnRoot(options.root, options.connection);
  checker.run_prefix = staging::RunPrefix(
      options.root, options.connection,
      staging::MakeRunId(parts.clock.Utc(), (std::uint64_t{random()} << 32U) + random()));
  RunSteps(checker);
  checker.Release();
  CleanUp(checker);
  return {.findings = std::move(checker.findings),
          .duration =
              std::chrono::duration_cast<std::chrono::milliseconds>(parts.clock.Steady() - began),
          .interrupted = stop.stop_requested()};
}

}  // namespace sluice::check
