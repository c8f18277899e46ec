// What stands in a server's error text, and what of it may be shown. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace sluice::redshift {

// The block that Redshift hangs on errors of S3, wherever it stands in the text.
//   error:  S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid X,ExtRid Y,CanRetry
//   1 query:     123
struct S3Failure {
  int status = 0;          // HTTP; 0 if the block has none
  std::string error;       // "AccessDenied"
  std::string request_id;  // Rid: what AWS support asks for
  std::string query_id;
};
std::optional<S3Failure> ParseS3Failure(std::string_view text);

// A server's text that may be shown: quoted pieces, long digits and long runs that could be keys
// are masked, because the server quotes rows and statements in its errors.
std::string Mask(std::string_view text);

}  // namespace sluice::redshift
