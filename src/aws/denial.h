// AWS's own words for who refused and which policy did: one reader for every service, and for what
// Redshift quotes of S3 and KMS. Pure; any thread.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::aws {

// Which policy decided. AWS names one of them even where several refuse.
enum class PolicyKind {
  kUnknown,          // AWS did not say, as S3 does not to other accounts
  kIdentity,         // of the role or user that asked
  kResource,         // of the bucket
  kKey,              // of the KMS key
  kTrust,            // of the role to be assumed
  kBoundary,         // permissions boundary of the role or user
  kSession,          // given when the session was opened
  kVpcEndpoint,      // of the endpoint on the way
  kServiceControl,   // of the organization, on accounts
  kResourceControl,  // of the organization, on resources
};

struct Denial {
  std::string principal;  // ARN; empty if not told
  std::string action;     // "s3:PutObject"; empty if not told
  std::string resource;   // ARN or "*"; empty if not told
  PolicyKind kind = PolicyKind::kUnknown;
  bool outright = false;   // an explicit Deny; else nothing allows it
  std::string policy_arn;  // of the policy, in AWS's newer texts
};

// nullopt if the text tells of no denial: neither "not authorized" nor a Deny.
std::optional<Denial> ReadDenial(std::string_view text);

// Whose way to AWS it was: an endpoint's policy is looked for in another network then.
enum class Asker { kUs, kWorkgroup };

struct DenialAdvice {
  std::string seen;         // "the policy of bucket acme denies it outright"
  std::string remedy;       // ready to paste where possible
  std::string_view reason;  // becomes ErrorInfo::reason
};
// REQUIRES: action and resource of `denial` are filled in; what is empty becomes a placeholder.
// Reasons: "not_allowed" (identity's policy, or not told), "explicit_deny", "bucket_policy",
// "kms_denied", "trust_refused", "limited" (boundary, session, endpoint, organization).
DenialAdvice AdviseOn(const Denial& denial, Asker asker);

// "identity", "bucket", "boundary", ...: for ErrorInfo::facts, "policy".
std::string_view PolicyKindName(PolicyKind kind);

// Whose policy it is: "arn:aws:sts::1:assumed-role/reader/session" -> "role reader".
std::string HolderOf(const std::string& arn);

}  // namespace sluice::aws
