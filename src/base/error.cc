#include "base/error.h"

#include <utility>

namespace sluice::base {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidConfig: return "invalid_config";
    case ErrorCode::kAuthentication: return "authentication";
    case ErrorCode::kPermission: return "permission";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kUnreachable: return "unreachable";
    case ErrorCode::kThrottled: return "throttled";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kNoSpace: return "no_space";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kSource: return "source";
    case ErrorCode::kDestination: return "destination";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorInfo info) : info_(std::move(info)) {
  text_ = info_.operation;
  if (!info_.subject.empty()) text_ += (text_.empty() ? "" : ", ") + info_.subject;
  if (!text_.empty()) text_ += ": ";
  text_ += info_.message;
  text_ += " (";
  text_ += ErrorCodeName(info_.code);
  text_ += ')';
}

Error AsError(std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const Error& e) {
    return e;
  } catch (const std::exception& e) {
    return Error({.code = ErrorCode::kInternal,
                  .operation = "unexpected failure",
                  .message = e.what(),
                  .remedy = "This is a defect in Sluice; please report it with the command used."});
  } catch (...) {
    return Error({.code = ErrorCode::kInternal,
                  .operation = "unexpected failure",
                  .message = "an exception of an unknown type",
                  .remedy = "This is a defect in Sluice; please report it with the command used."});
  }
}

void ThrowCancelled(std::string_view operation, std::string_view subject) {
  throw Error({.code = ErrorCode::kCancelled,
               .operation = std::string(operation),
               .subject = std::string(subject),
               .message = "stopped before it finished"});
}

}  // namespace sluice::base
