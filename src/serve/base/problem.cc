#include "serve/base/problem.h"

#include <fmt/format.h>

#include <utility>

namespace sluice::serve {
namespace {

using base::ErrorCode;

base::ErrorInfo InfoOf(std::string_view what, const std::vector<FieldProblem>& problems) {
  const FieldProblem& first = problems.front();
  const std::string more =
      problems.size() == 1 ? "" : fmt::format(" (and {} more)", problems.size() - 1);
  return {.code = ErrorCode::kInvalidConfig,
          .operation = fmt::format("read {}", what),
          .subject = first.field.empty() ? std::string(what) : first.field,
          .message = fmt::format("{}{}{}{}", first.field, first.field.empty() ? "" : " ",
                                 first.problem, more),
          .remedy = first.remedy};
}

std::string_view TitleOf(int status) {
  switch (status) {
    case 400: return "Bad request";
    case 401: return "Not signed in";
    case 403: return "Not allowed";
    case 404: return "Not found";
    case 409: return "Conflict";
    case 412: return "It was changed meanwhile";
    case 422: return "Not valid";
    case 429: return "Too many requests";
    case 502: return "The other side failed";
    case 503: return "Not available now";
    case 504: return "Too slow";
    case 507: return "No space left";
    default: return "Internal error";
  }
}

}  // namespace

Refused::Refused(std::string_view what, std::vector<FieldProblem> problems)
    : base::Error(InfoOf(what, problems)), problems_(std::move(problems)) {}

int StatusOf(const base::ErrorInfo& error) {
  if (error.reason == kReasonChanged) return 412;
  switch (error.code) {
    case ErrorCode::kInvalidConfig: return 422;
    case ErrorCode::kAuthentication: return 401;
    case ErrorCode::kPermission: return 403;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kConflict:
    case ErrorCode::kCancelled: return 409;
    case ErrorCode::kUnsupported: return 422;
    case ErrorCode::kThrottled: return 429;
    case ErrorCode::kUnreachable:
    case ErrorCode::kSource:
    case ErrorCode::kDestination: return 502;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kNoSpace: return 507;
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

Problem ProblemOf(const base::Error& error) {
  Problem problem{.status = StatusOf(error.info()), .error = error.info()};
  if (error.code() == ErrorCode::kInternal) {
    // A foreign exception's words may hold anything; the log has them.
    problem.error = {.code = ErrorCode::kInternal,
                     .operation = error.info().operation,
                     .message = "something went wrong inside of Sluice",
                     .remedy = "Look into the server's log, and report it with what is there."};
  }
  problem.title = TitleOf(problem.status);
  if (const auto* refused = dynamic_cast<const Refused*>(&error)) {
    problem.problems = refused->problems();
  }
  return problem;
}

Problem ProblemOf(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const base::Error& known) {
    return ProblemOf(known);
  } catch (...) {
    return ProblemOf(base::AsError(error));
  }
}

Json ToJson(const base::ErrorInfo& error) {
  return {{"code", base::ErrorCodeName(error.code)},
          {"operation", error.operation},
          {"subject", error.subject},
          {"message", error.message},
          {"remedy", error.remedy},
          {"cause", error.cause},
          {"retryable", error.retryable},
          {"in_doubt", error.in_doubt}};
}

Json ToJson(const Problem& problem) {
  Json problems = Json::array();
  for (const FieldProblem& one : problem.problems) {
    problems.push_back({{"field", one.field}, {"problem", one.problem}, {"remedy", one.remedy}});
  }
  return {{"type", "about:blank"},
          {"title", problem.title},
          {"status", problem.status},
          {"detail", problem.error.message},
          {"code", base::ErrorCodeName(problem.error.code)},
          {"operation", problem.error.operation},
          {"subject", problem.error.subject},
          {"remedy", problem.error.remedy},
          {"retryable", problem.error.retryable},
          {"problems", std::move(problems)}};
}

}  // namespace sluice::serve
