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

// The block that Redshift hangs on errors of its own, one line each.
//   error:  Disk Full
//   code:      1016
//   context:   node: 0
//   query:     4711
//   location:  fdisk_api.cpp:343
//   process:   query0_95 [pid=7]
struct ServerBlock {
  std::string error;
  std::string code;  // digits
  std::string context;
  std::string query;  // digits
  std::string location;
};
// Empty fields where the text has no such line.
ServerBlock ParseBlock(std::string_view text);

// libcurl's number in "CurlError 28" or "curlCode: 28"; nullopt if there is none.
std::optional<int> CurlErrorIn(std::string_view text);

// A server's text that may be shown. Row values and pieces of statements, which the server quotes
// in its errors, are masked: literals, quoted pieces, long digits, and long runs that could be
// keys. Names stay where the word before tells what they name (relation "x", rule "x", database
// "x"), as do ARNs and numbers with a unit.
std::string Mask(std::string_view text);

// What a failure says, for people: message, and what DETAIL adds (code, context, query); masked.
// Where the failure is about a value, DETAIL and context hold that value, and are left out.
std::string Shown(std::string_view sqlstate, std::string_view message, std::string_view detail);

}  // namespace sluice::redshift
