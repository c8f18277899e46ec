#include "aws/denial.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/fill.h"
#include "base/text.h"

namespace sluice::aws {
namespace {

using enum PolicyKind;

std::string WordAfter(std::string_view text, std::string_view marker) {
  const auto at = text.find(marker);
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + marker.size());
  std::string word(text.substr(0, text.find_first_of(" \r\n\t,;")));
  while (word.ends_with('.') || word.ends_with('"') || word.ends_with(':')) word.pop_back();
  if (word.starts_with('"')) word.erase(0, 1);
  return word;
}

// The order counts: a "resource control policy" is not a policy of the resource.
constexpr auto kKinds = std::to_array<std::pair<std::string_view, PolicyKind>>({
    {"service control polic", kServiceControl},
    {"resource control polic", kResourceControl},
    {"endpoint polic", kVpcEndpoint},
    {"permissions boundary", kBoundary},
    {"permission boundary", kBoundary},
    {"session polic", kSession},
    {"trust polic", kTrust},
    {"key polic", kKey},
    {"bucket polic", kResource},
    {"resource-based polic", kResource},
    {"resource polic", kResource},
    {"identity-based polic", kIdentity},
});

PolicyKind KindIn(const std::string& lower, std::size_t& at) {
  for (const auto& [words, kind] : kKinds) {
    at = lower.find(words);
    if (at != std::string::npos) return kind;
  }
  return kUnknown;
}

// What a policy of a resource is called by its service.
PolicyKind Refined(PolicyKind kind, const std::string& action) {
  if (kind != kResource) return kind;
  if (action.starts_with("kms:")) return kKey;
  if (action.starts_with("sts:")) return kTrust;
  return kind;
}

struct Row {
  PolicyKind kind;
  std::optional<bool> outright;  // nullopt: either
  std::string_view service;      // the action's, "kms:"; empty: any
  std::string_view reason;
  std::string_view seen;
  std::string_view remedy;
};

constexpr std::string_view kAllow =
    "Add to the policy of "
    "{holder}:\n{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}";
constexpr std::string_view kAllowKey =
    "Add to the policy of {holder}:\n"
    "{\"Effect\":\"Allow\",\"Action\":[\"kms:GenerateDataKey\",\"kms:Decrypt\"],\"Resource\":\"{"
    "resource}\"}\n"
    "If the key is of another account, its key policy must allow {principal}, too.";
constexpr std::string_view kKeyPolicy =
    "Add to the key policy of {resource} (KMS, Customer managed keys, Key policy):\n"
    "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"{identity}\"},\n"
    " \"Action\":[\"kms:GenerateDataKey\",\"kms:Decrypt\"],\"Resource\":\"*\"}\n"
    "A key of another region or one that was deleted is told in the same words: compare the key's "
    "ARN with the bucket's default encryption and staging.kms_key. The key aws/s3 of AWS itself "
    "cannot be used from another account.";
constexpr std::string_view kOwnBucket =
    "The policy of bucket {bucket} must allow {principal}. If the bucket is of another account, "
    "that account's administrator sets it; its text:\n  sluice setup bucket --bucket-account ID";
constexpr std::string_view kBucketDeny =
    "Look for \"Effect\":\"Deny\" on {action} in the policy of bucket {bucket}{policy}:\n"
    "  aws s3api get-bucket-policy --bucket {bucket}\n"
    "and meet its Condition (aws:SourceVpce, aws:SourceIp, aws:PrincipalOrgID, "
    "aws:SecureTransport, ...), or exempt {principal} in it.{guess}";
constexpr std::string_view kOrganization =
    "Only the administrators of the organization can change it (AWS Organizations, {list}"
    "{policy}): ask them to let {principal} do {action} on {resource}. A policy of your own cannot "
    "fix this.";

// The first that fits.
constexpr auto kActionRows = std::to_array<Row>({
    {kVpcEndpoint,
     {},
     "",
     "limited",
     "the policy of {endpoint} {refuses} {action}",
     "The request went through {endpoint}, whose policy must allow {action} on {resource} for "
     "{principal}{policy}:\n  aws ec2 describe-vpc-endpoints --query "
     "\"VpcEndpoints[].[VpcEndpointId,ServiceName,PolicyDocument]\"\n"
     "Policies of the role, user or bucket cannot fix this."},
    {kBoundary,
     {},
     "",
     "limited",
     "the permissions boundary of {holder} {refuses} {action}",
     "A permissions boundary allows nothing by itself, and what it leaves out is refused whatever "
     "the policies say. Its owner must let {action} on {resource} through: IAM, {holder}, "
     "Permissions boundary{policy}."},
    {kSession,
     {},
     "",
     "limited",
     "the session policy with which the keys were made {refuses} {action}",
     "The keys came with a session policy (AssumeRole or GetFederationToken with a Policy, or a "
     "permission set){policy}. Whoever made them must let {action} on {resource} through, or give "
     "keys without a session policy. A policy of {holder} cannot fix this."},
    {kServiceControl,
     {},
     "",
     "limited",
     "a service control policy (SCP) of the organization {refuses} {action}",
     kOrganization},
    {kResourceControl,
     {},
     "",
     "limited",
     "a resource control policy (RCP) of the organization {refuses} {action}",
     kOrganization},
    {kKey, true, "", "kms_denied", "the key policy of {resource} denies {action} outright",
     "Look for \"Effect\":\"Deny\" in the key policy of {resource} (KMS, Customer managed keys, "
     "Key policy){policy}, and exempt {principal}. It must allow kms:GenerateDataKey and "
     "kms:Decrypt."},
    {kKey, false, "", "kms_denied", "the key policy of {resource} does not allow {action}",
     kKeyPolicy},
    {kTrust, true, "", "explicit_deny", "the trust policy of {resource} denies {action} outright",
     "Look for \"Effect\":\"Deny\" in the trust policy of {resource} (IAM, the role, Trust "
     "relationships), and exempt {principal}."},
    {kTrust, false, "", "trust_refused",
     "the trust policy of {resource} does not let {principal} in",
     "The role's trust policy must allow {principal} to call {action}, and its sts:ExternalId must "
     "be the auth.external_id configured here."},
    {kResource, true, "", "explicit_deny", "the policy of bucket {bucket} denies {action} outright",
     kBucketDeny},
    {kResource, false, "", "bucket_policy",
     "the policy of bucket {bucket} does not allow {action} to {principal}", kOwnBucket},
    {kIdentity, true, "kms:", "kms_denied", "a policy of {holder} denies {action} outright",
     "Look for \"Effect\":\"Deny\" on {action} in the policies of {holder}{policy}: they must let "
     "kms:GenerateDataKey and kms:Decrypt on {resource} through."},
    {kIdentity, true, "", "explicit_deny",
     "an identity-based policy of {holder} denies {action} outright",
     "Look for \"Effect\":\"Deny\" on {action} in the policies attached to {holder}, those of its "
     "groups among them{policy}. It concerns {resource}: meet its Condition (source address, VPC, "
     "MFA, tags) or exempt the resource. The bucket's policy cannot fix this."},
    {kIdentity, false, "kms:", "kms_denied", "no policy of {holder} allows {action}", kAllowKey},
    {kIdentity, false, "", "not_allowed", "no identity-based policy of {holder} allows {action}",
     kAllow},
    {kUnknown, true, "kms:", "kms_denied", "a policy denies {action} outright",
     "Look for \"Effect\":\"Deny\" in the key policy of {resource} and in the policies of "
     "{holder}: kms:GenerateDataKey and kms:Decrypt on that key must be allowed."},
    {kUnknown, true, "", "explicit_deny", "a policy denies {action} outright",
     "A statement denies {action} on {resource} outright: look for \"Effect\":\"Deny\" in the "
     "policies of {holder}, its permissions boundary, the bucket's policy and the organization's "
     "policies{policy}.{guess}"},
    {kUnknown, false, "kms:", "kms_denied", "{action} is not allowed to {holder}", kAllowKey},
    {kUnknown, false, "sts:AssumeRole", "trust_refused", "",
     "The role's trust policy must allow {principal} to call {action}, and its sts:ExternalId must "
     "be the auth.external_id configured here."},
    {kUnknown, false, "s3:", "not_allowed", "",
     "Add to the policy of "
     "{holder}:\n{\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}\n"
     "If the bucket is of another account, its own policy must allow {holder}, too: sluice setup "
     "bucket --bucket-account ID"},
    {kUnknown, false, "", "not_allowed", "", kAllow},
});

// "arn:aws:s3:::acme/x" -> "acme".
std::string BucketOf(const std::string& resource) {
  const auto at = resource.find(":s3:::");
  if (at == std::string::npos) return "<bucket>";
  const std::string rest = resource.substr(at + 6);
  return rest.substr(0, rest.find('/'));
}

// A session is not a principal that a policy should name: its role is.
std::string IdentityOf(const std::string& arn) {
  constexpr std::string_view kMark = ":assumed-role/";
  const auto at = arn.find(kMark);
  const auto sts = arn.find(":sts:");
  if (at == std::string::npos || sts == std::string::npos) return arn;
  const std::string account = arn.substr(sts + 6, at - sts - 6);
  const std::string name = arn.substr(at + kMark.size());
  return arn.substr(0, sts) + ":iam::" + account + ":role/" + name.substr(0, name.find('/'));
}

}  // namespace

std::string_view PolicyKindName(PolicyKind kind) {
  switch (kind) {
    case kUnknown: return "unknown";
    case kIdentity: return "identity";
    case kResource: return "bucket";
    case kKey: return "key";
    case kTrust: return "trust";
    case kBoundary: return "boundary";
    case kSession: return "session";
    case kVpcEndpoint: return "vpc_endpoint";
    case kServiceControl: return "service_control";
    case kResourceControl: return "resource_control";
  }
  return "unknown";
}

std::string HolderOf(const std::string& arn) {
  for (const auto& [kind, name] : {std::pair{":assumed-role/", "role "},
                                   {":federated-user/", "federated user "},
                                   {":user/", "user "},
                                   {":role/", "role "}}) {
    const auto at = arn.find(kind);
    if (at == std::string::npos) continue;
    std::string rest = arn.substr(at + std::string_view(kind).size());
    rest = std::string_view(kind) == ":assumed-role/" ? rest.substr(0, rest.find('/'))
                                                      : rest.substr(rest.rfind('/') + 1);
    return name + rest;
  }
  return arn;
}

std::optional<Denial> ReadDenial(std::string_view text) {
  const std::string lower = base::Lower(text);
  const auto start = lower.find("not authorized to");
  const bool outright = lower.find("explicit deny") != std::string::npos ||
                        (lower.find("explicitly denies") != std::string::npos &&
                         // KMS, of a key it does not find, names both: nothing is known then.
                         lower.find("allow access, or") == std::string::npos);
  if (start == std::string::npos && !outright) return std::nullopt;
  Denial denial{.principal = WordAfter(text, "User: "),
                .action = WordAfter(text, "not authorized to perform: "),
                .resource = WordAfter(text, "on resource: "),
                .outright = outright};
  // Some texts have no colon: "is not authorized to perform sts:AssumeRoleWithWebIdentity".
  if (denial.action.empty()) denial.action = WordAfter(text, "uthorized to perform ");
  if (denial.action.find(':') == std::string::npos) denial.action.clear();
  std::size_t at = 0;
  denial.kind = Refined(KindIn(lower, at), denial.action);
  if (at != std::string::npos) {
    const std::string arn = WordAfter(text.substr(at), ": arn:");
    if (!arn.empty()) denial.policy_arn = "arn:" + arn;
  }
  return denial;
}

DenialAdvice AdviseOn(const Denial& denial, Asker asker) {
  const auto row = std::find_if(kActionRows.begin(), kActionRows.end() - 1, [&](const Row& r) {
    return r.kind == denial.kind && (!r.outright || *r.outright == denial.outright) &&
           denial.action.starts_with(r.service);
  });
  const std::string principal =
      denial.principal.empty() ? "the role or user that connects" : denial.principal;
  const base::Words words = {
      {"refuses", denial.outright ? "denies" : "does not allow"},
      {"endpoint", asker == Asker::kUs ? "the VPC endpoint between this machine and AWS"
                                       : "the VPC endpoint between the workgroup and S3"},
      {"list", denial.kind == kResourceControl ? "Policies, Resource control policies"
                                               : "Policies, Service control policies"},
      {"guess", denial.action == "s3:PutObject"
                    ? "\nOne guess among others: it demands that uploads are encrypted with a KMS "
                      "key; then set staging.kms_key."
                    : ""},
      {"policy", denial.policy_arn.empty() ? "" : " (" + denial.policy_arn + ")"},
      {"holder", HolderOf(principal)},
      {"identity",
       IdentityOf(denial.principal.empty() ? "<ARN of the role or user>" : denial.principal)},
      {"principal", principal},
      {"action", denial.action.empty() ? "<action>" : denial.action},
      {"bucket", BucketOf(denial.resource)},
      {"resource", denial.resource.empty() ? "*" : denial.resource}};
  return {base::Fill(row->seen, words), base::Fill(row->remedy, words), row->reason};
}

}  // namespace sluice::aws
