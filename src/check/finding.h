// What `check` found, and the table of all that it can find. A new finding is a row in finding.cc
// and a Report in the step that sees it.
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
  kIdentity,
  kDatabaseCredentials,
  kLogin,
  kDatabaseUser,
  kStreams,
  kBucket,
  kBucketRights,
  kUnload,
  kDestination,
};
std::string_view StepName(Step step);   // "database_credentials": part of the --json contract
std::string_view StepTitle(Step step);  // "Database credentials"

enum class Severity {
  kOk,
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
};

struct FindingKind {
  std::string_view id;
  Step step;
  Severity severity;
  std::string_view why;
  // {name} is filled in from the facts of the report; a fact that is absent becomes <name>.
  std::string_view remedy;
};
std::span<const FindingKind> FindingKinds();

using Facts = std::map<std::string, std::string, std::less<>>;

// The finding of that kind. REQUIRES: `id` is in the table. Pure.
Finding MakeFinding(std::string_view id, std::string subject, std::string seen, const Facts& facts);
// A step that threw: "<step>.failed", with the error's own remedy where it has one.
Finding MakeFailure(Step step, std::string subject, const base::ErrorInfo& error,
                    const Facts& facts);

}  // namespace sluice::check
