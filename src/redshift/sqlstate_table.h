// The rows behind sqlstate.h, one file for each phase they belong to. Pure data.
#pragma once
#include <span>
#include <string_view>

#include "base/error.h"

namespace sluice::redshift {

constexpr unsigned kLogin = 1U;
constexpr unsigned kQuery = 2U;
constexpr unsigned kUnload = 4U;
constexpr unsigned kStatement = kQuery | kUnload;
constexpr unsigned kAny = kLogin | kQuery | kUnload;

constexpr bool kRetry = true;
constexpr bool kFinal = false;
constexpr bool kKnown = false;
constexpr bool kInDoubt = true;

// One meaning. It holds if the phase fits, the SQLSTATE starts with `sqlstate` and the text
// contains `text`, without regard to case; an empty field fits everything. The first row that holds
// counts. In `text`, '*' stands for anything and '|' parts alternatives. The text is the server's
// message, DETAIL and HINT, and behind them marks that say in one form what it tells in many:
// "[curl 28]", "[status 403]", "[s3 accessdenied]", "[code 1020]".
// In message and remedy: {user}, {user_ident}, {host}, {port}, {database}, {workgroup}, {bucket},
// {region}, {grants}, {object} (the name that follows `object_after` in the text), {object_ident},
// {s3} (status, error, ids), {text} (masked), {state}, {look} (how to look at the statement).
struct ServerErrorRow {
  unsigned phases;
  std::string_view sqlstate;
  std::string_view text;
  base::ErrorCode code;
  bool retryable;
  bool in_doubt;
  std::string_view object_after;
  std::string_view message;
  std::string_view remedy;
  std::string_view reason = {};  // becomes ErrorInfo::reason
};

// Tried in this order. The last of each fits what the phase may answer.
std::span<const ServerErrorRow> LoginRows();
std::span<const ServerErrorRow> StorageRows();  // of UNLOAD: S3, KMS, the way there
std::span<const ServerErrorRow> StatementRows();

}  // namespace sluice::redshift
