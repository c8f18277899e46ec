// What the API answers when something is wrong: a problem of RFC 9457, built from base::Error.
// https://www.rfc-editor.org/rfc/rfc9457
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "serve/base/json.h"

namespace sluice::serve {

// One field of what was sent: "streams[2].cursor" + "is missing" + what to write. Never its value.
struct FieldProblem {
  std::string field;
  std::string problem;
  std::string remedy;
};

// kInvalidConfig with all that is wrong with a value that came over the API.
class Refused : public base::Error {
 public:
  // REQUIRES: `problems` is not empty. `what`: "source", "pipeline", ...: the error's subject.
  Refused(std::string_view what, std::vector<FieldProblem> problems);
  const std::vector<FieldProblem>& problems() const { return problems_; }

 private:
  std::vector<FieldProblem> problems_;
};

// Of ErrorInfo::reason, where a code alone does not tell the HTTP status.
inline constexpr std::string_view kReasonChanged = "changed";  // 412: If-Match of an old version
inline constexpr std::string_view kReasonInUse = "in_use";     // 409: something else needs it
inline constexpr std::string_view kReasonKeyReused =
    "key_reused";                                            // 422: idempotency key, other body
inline constexpr std::string_view kReasonQueued = "queued";  // 409: it runs, or is queued already
inline constexpr std::string_view kReasonBusy = "busy";      // 503: the database is held or full

struct Problem {
  int status = 500;
  std::string title;  // "Not found"
  base::ErrorInfo error;
  std::vector<FieldProblem> problems;
};

// By code and reason; a kInternal error's words are kept from the answer. Any exception.
Problem ProblemOf(std::exception_ptr error);
Problem ProblemOf(const base::Error& error);
int StatusOf(const base::ErrorInfo& error);

// {type, title, status, detail, code, operation, subject, remedy, retryable, problems:[{field,
// problem, remedy}]}: the body of application/problem+json.
Json ToJson(const Problem& problem);
// As CLI_JSON.md has an error: {code, operation, subject, message, remedy, retryable, ...}.
Json ToJson(const base::ErrorInfo& error);

}  // namespace sluice::serve
