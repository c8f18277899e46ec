#include "setup/commands.h"

#include <fmt/format.h>

#include "redshift/identity.h"
#include "setup/placeholders.h"
#include "setup/policies.h"

namespace sluice::setup {
namespace {

// Policies are pasted into one argument; the trailing line end stays out.
std::string Argument(std::string json) {
  while (json.ends_with('\n')) json.pop_back();
  return ShellQuote(json);
}

std::string Explained(const Facts& facts, std::string_view head, const std::string& body) {
  return fmt::format("{}{}{}", head, ExplainPlaceholders(body, facts, "# "), body);
}

std::string MakeBucket(const Facts& facts) {
  // us-east-1 is the one region that create-bucket must not be told.
  const std::string where =
      facts.bucket_region == "us-east-1"
          ? ""
          : fmt::format(" --create-bucket-configuration LocationConstraint={}",
                        facts.bucket_region);
  return fmt::format(
      "# Only if the bucket does not exist yet:\n"
      "# aws s3api create-bucket --bucket {0} --region {1}{2}\n"
      "# aws s3api put-public-access-block --bucket {0} --public-access-block-configuration "
      "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
      "RestrictPublicBuckets=true\n",
      facts.bucket, facts.bucket_region, where);
}

std::string JoinRoles(const std::vector<std::string>& roles) {
  std::string text;
  for (const auto& role : roles) text += (text.empty() ? "" : ":") + role;
  return text;
}

// The first of a chain: that one is attached to the namespace.
std::string AttachedRole(const Facts& facts) {
  if (*facts.unload_role == "default") return std::string(kUnloadRole);
  return facts.unload_role->substr(0, facts.unload_role->find(','));
}

}  // namespace

std::string ShellQuote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string BucketCommands(const Facts& facts) {
  std::string body = fmt::format(
      "# This replaces the bucket's whole lifecycle configuration: if it has rules already, add "
      "this one to them.\n"
      "aws s3api put-bucket-lifecycle-configuration --bucket {} --lifecycle-configuration {}\n",
      facts.bucket, Argument(LifecycleRule(facts)));
  const std::string policy = BucketPolicy(facts);
  if (!policy.empty()) {
    body += fmt::format(
        "# Bucket and identity are in two accounts, so the bucket must allow it too. This replaces "
        "the bucket's policy.\n"
        "aws s3api put-bucket-ownership-controls --bucket {0} --ownership-controls "
        "'Rules=[{{ObjectOwnership=BucketOwnerEnforced}}]'\n"
        "aws s3api put-bucket-policy --bucket {0} --policy {1}\n",
        facts.bucket, Argument(policy));
  }
  return Explained(facts, MakeBucket(facts), body);
}

std::string NetworkCommands(const Facts& facts) {
  const std::string address = Or(facts.our_address, kAddress);
  const std::string_view bits = address.find(':') == std::string::npos ? "32" : "128";
  const std::string body = fmt::format(
      "# Inbound rule: type Custom TCP, port {0}, source {1}/{2}.\n"
      "aws ec2 authorize-security-group-ingress --region {3} --group-id {4} --ip-permissions "
      "'IpProtocol=tcp,FromPort={0},ToPort={0},{5}=[{{{6}={1}/{2},Description=sluice-{7}}}]'\n"
      "# From outside the VPC the workgroup must be publicly accessible, too:\n"
      "# aws redshift-serverless update-workgroup --region {3} --workgroup-name {8} "
      "--publicly-accessible\n",
      facts.port, address, bits, Or(facts.region, kRegion),
      Or(facts.security_group, kSecurityGroup), bits == "32" ? "IpRanges" : "Ipv6Ranges",
      bits == "32" ? "CidrIp" : "CidrIpv6", facts.connection, facts.workgroup);
  return Explained(facts, "", body);
}

Tag IdentityTag(const Facts& facts) {
  if (facts.pattern == Pattern::kRolesTag) {
    return {"RedshiftDbRoles", Or(JoinRoles(facts.db_roles), kDbRole)};
  }
  return {"RedshiftDbUser", Or(redshift::StripDbUser(facts.db_user), kDbUser)};
}

std::string IdentityCommands(const Facts& facts) {
  std::string body;
  const bool tags = facts.tag_on_identity &&
                    (facts.pattern == Pattern::kUserTag || facts.pattern == Pattern::kRolesTag);
  if (tags) {
    const Tag tag = IdentityTag(facts);
    const std::string_view kind = facts.by_role ? "role" : "user";
    body += fmt::format(
        "# The tag from which AWS derives {}.\naws iam tag-{} --{}-name {} --tags "
        "{}\n",
        tag.key == "RedshiftDbUser" ? "the database user" : "the database roles", kind, kind,
        IdentityName(facts), ShellQuote(fmt::format("Key={},Value={}", tag.key, tag.value)));
  }
  if (facts.by_role && facts.session_hours_max > 1) {
    body += fmt::format(
        "# Sessions last longer than the hour that a role allows by itself.\n"
        "aws iam update-role --role-name {} --max-session-duration {}\n",
        IdentityName(facts), facts.session_hours_max * 3600);
  }
  return Explained(facts, "", body);
}

std::string UnloadRoleName(const Facts& facts) {
  const std::string role = AttachedRole(facts);
  return role.substr(role.rfind('/') + 1);  // npos + 1 is 0: the whole of a placeholder
}

std::string UnloadRoleCommands(const Facts& facts) {
  if (!facts.unload_role) return "";
  const std::string body = fmt::format(
      "# The role itself, if it does not exist yet:\n"
      "# make it in the console first, for the service Redshift; what follows replaces its trust.\n"
      "aws iam update-assume-role-policy --role-name {0} --policy-document {1}\n"
      "aws iam put-role-policy --role-name {0} --policy-name sluice-unload --policy-document {2}\n"
      "# It must be attached to the namespace; list those that are attached already, too:\n"
      "# aws redshift-serverless update-namespace --region {3} --namespace-name NAME --iam-roles "
      "{4}\n",
      UnloadRoleName(facts), Argument(UnloadRoleTrust(facts)), Argument(UnloadRolePolicy(facts)),
      Or(facts.region, kRegion), AttachedRole(facts));
  return Explained(facts, "", body);
}

}  // namespace sluice::setup
