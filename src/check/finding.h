// What `check` found, and the table of all that it can find. A new finding is a row in
// finding_table_*.cc and a Report in the step that sees it.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sluice::check {

// In the order of the set-up guide, which is the order they are run in.
enum class Step {
  kConfiguration,
  kNetwork,
  kIdentity,
  kDatabaseCredentials,
  kLogin,
  kDatabaseUser,
  kStreams,
  kBucket,
  kBucketRights,
  kUnload,
  kLocal,
  kDestination,
};
std::string_view StepName(Step step);   // "database_credentials": part of the --json contract
std::string_view StepTitle(Step step);  // "Database credentials"
std::string_view StepWhy(Step step);    // why it matters if the step fails as a whole
std::span<const Step> Steps();

enum class Severity {
  kOk,
  kAdvice,   // all works; there is something that would make it better
  kWarning,  // works, but somebody should look at it
  kFailure,  // a sync would fail, or bring something else than meant
  kSkipped,  // not looked at, because an earlier step failed
};
std::string_view SeverityName(Severity severity);

struct Finding {
  std::string id;  // "database_user.superuser": stable, part of the --json contract
  Step step = Step::kConfiguration;
  Severity severity = Severity::kOk;
  std::string subject;  // "stream sales.orders"; may be empty
  std::string seen;     // what was seen, one sentence
  std::string why;      // why it matters; empty if kOk
  std::string remedy;   // what to do, ready to paste where possible; empty if kOk
  // The error behind it, if there was one: its code is part of the --json contract.
  std::optional<base::ErrorCode> code;
  std::string title;  // of its kind, in few words; empty if kOk, skipped, or of no kind
  // What a lower layer said (base::ErrorInfo::cause); empty if nothing, or no more than `seen`.
  std::string cause;
};

struct FindingKind {
  std::string_view id;
  Step step;
  Severity severity;
  std::string_view title;  // a line for the documentation; empty if kOk
  std::string_view why;
  // {name} is filled in from the facts of the report; a fact that is absent becomes <name>. Names
  // are of small letters and '_', so that JSON may stand in a remedy.
  std::string_view remedy;
};
// All of them, in the steps' order. "<step>.failed" and "<step>.skipped" are not among them.
std::span<const FindingKind> FindingKinds();
// The pieces of it, one file each.
std::span<const FindingKind> ConnectionFindings();  // configuration to log-in
std::span<const FindingKind> DataFindings();        // database user to destination

// Which finding an error of a step becomes, by its reason (base::ErrorInfo::reason).
struct FailureRule {
  Step step;
  std::string_view reason;
  std::string_view operation;  // of the error; empty: any
  std::string_view id;
  // What was denied, of the error's facts ("s3:PutObject"), which outranks what was being done;
  // empty: any.
  std::string_view action = {};
};
std::span<const FailureRule> FailureRules();

using Facts = std::map<std::string, std::string, std::less<>>;

// The finding of that kind. REQUIRES: `id` is in the table. Pure.
Finding MakeFinding(std::string_view id, std::string subject, std::string seen, const Facts& facts);
// A step that threw: what FailureRules tell for it, else "<step>.failed" with the error's own
// remedy. The error's facts count before `facts`; {remedy} is its own remedy.
Finding MakeFailure(Step step, std::string subject, const base::ErrorInfo& error,
                    const Facts& facts);

}  // namespace sluice::check
