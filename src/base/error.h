// The one error type: what failed, on what, and what to do about it.
// A code tells the caller what to do, not where the error arose. Values are immutable; any thread.
// No field may hold a secret, a row's value or SQL: errors are printed and logged as they are.
#pragma once
#include <exception>
#include <map>
#include <string>
#include <string_view>

namespace sluice::base {

enum class ErrorCode {
  kInvalidConfig,   // the configuration or a flag is wrong: fix it, nothing was contacted
  kAuthentication,  // who we are was not accepted: keys, signature, password, trust
  kPermission,      // we are known, but may not do this: grant or policy
  kNotFound,        // workgroup, bucket, table, column, file does not exist (or is invisible)
  kUnreachable,     // name, network, TLS: nobody who speaks the protocol answered
  kThrottled,       // asked to slow down; retryable
  kUnavailable,     // the service failed; retryable
  kTimeout,         // a deadline or a statement limit passed
  kCancelled,       // the user or a shutdown stopped it
  kConflict,        // somebody else holds or changed it: locked file, serialization failure
  kNoSpace,         // local disk or destination is full
  kCorrupt,         // bytes or counts disagree: nothing may be committed
  kUnsupported,     // the source or destination cannot do this; the remedy names what can
  kSource,          // the database refused or failed a statement for another reason
  kDestination,     // the destination failed for another reason
  kInternal,        // a bug in Sluice
};

// "invalid_config", "authentication", ...: stable names, part of the --json contract.
std::string_view ErrorCodeName(ErrorCode code);

struct ErrorInfo {
  ErrorCode code = ErrorCode::kInternal;
  std::string operation;   // what was being done: "GetCredentials", "UNLOAD", "read configuration"
  std::string subject;     // what it concerns: "workgroup analytics", "stream sales.orders"
  std::string message;     // what was seen, one sentence
  std::string remedy;      // what to do, ready to paste where possible; may have several lines
  bool retryable = false;  // the same call may succeed later without anybody fixing anything
  bool in_doubt = false;   // it may have happened: ask the other side before repeating
  std::string cause;       // the lower error's text, if there was one
  // What exactly, where the code is too coarse to choose a finding by: "trust_refused",
  // "no_select". Stable; empty if the code says it all.
  std::string reason;
  // What the remedy was filled in with, for whoever words it again: "principal", "resource", ...
  std::map<std::string, std::string, std::less<>> facts;
};

class Error : public std::exception {
 public:
  explicit Error(ErrorInfo info);
  const ErrorInfo& info() const noexcept { return info_; }
  ErrorCode code() const noexcept { return info_.code; }
  // "UNLOAD of stream sales.orders: permission denied (permission)"; without remedy.
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorInfo info_;
  std::string text_;
};

// The Error inside `error`, or a kInternal one made from a foreign exception's what().
// For adapters, thread entries and main, where foreign exceptions stop.
Error AsError(std::exception_ptr error);

// Throws kCancelled for `operation`; what every loop does when its stop_token fires.
[[noreturn]] void ThrowCancelled(std::string_view operation, std::string_view subject);

}  // namespace sluice::base
