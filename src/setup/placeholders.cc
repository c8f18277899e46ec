#include "setup/placeholders.h"

#include <fmt/format.h>

namespace sluice::setup {
namespace {

std::string RegionOption(const Facts& facts) {
  return fmt::format("--region {}", Or(facts.region, kRegion));
}

std::vector<Placeholder> All(const Facts& facts) {
  const std::string region = RegionOption(facts);
  const auto workgroup = [&](std::string_view query) {
    return fmt::format(
        "aws redshift-serverless get-workgroup --workgroup-name {} {} --query {} --output text",
        facts.workgroup, region, query);
  };
  return {
      {kAccount, "account_id", "the AWS account of the workgroup, 12 digits",
       "aws sts get-caller-identity --query Account --output text"},
      {kRegion, "region", "the workgroup's region", "the console shows it beside the account"},
      {kWorkgroupId, "workgroup_id", "the workgroup's id, a UUID; not its name",
       workgroup("workgroup.workgroupId")},
      {kNamespaceId, "namespace_id", "the id of the workgroup's namespace, a UUID",
       fmt::format(
           "aws redshift-serverless get-namespace {} --query namespace.namespaceId --output "
           "text --namespace-name $({})",
           region, workgroup("workgroup.namespaceName"))},
      {kIdentityName, "iam_name", "the IAM user or role that connects",
       "where Sluice runs: aws sts get-caller-identity --query Arn --output text"},
      {kPrincipal, "sluice_principal_arn", "the AWS identity that Sluice runs as",
       "where Sluice runs: aws sts get-caller-identity --query Arn --output text\n"
       "(of arn:aws:sts::A:assumed-role/NAME/SESSION write arn:aws:iam::A:role/NAME)"},
      {kIssuer, "token_issuer", "who issues the web identity tokens",
       "the claim iss of a token, without https://"},
      {kAudience, "token_audience", "who the web identity tokens are for",
       "the claim aud of a token"},
      {kSubject, "token_subject", "who the web identity tokens are about",
       "the claim sub of a token"},
      {kDbRole, "database_role", "the database role to read with", "choose it: sluice_read"},
      {kDbUser, "database_user", "the database user to read with", "choose it: sluice"},
      {kSchema, "schema", "a schema to be read",
       "sluice discover, or: SELECT * FROM svv_all_schemas"},
      {kKmsKey, "kms_key_arn", "the KMS key of the bucket's default encryption",
       fmt::format("aws s3api get-bucket-encryption --bucket {}", facts.bucket)},
      {kAddress, "sluice_address", "the public address that Sluice connects from",
       "where Sluice runs: curl https://checkip.amazonaws.com"},
      {kSecurityGroup, "security_group_id", "the security group of the workgroup",
       workgroup("workgroup.securityGroupIds")},
      {kUnloadRole, "unload_role_arn", "the namespace's default IAM role",
       fmt::format("aws redshift-serverless get-namespace {} --query namespace.defaultIamRoleArn "
                   "--output text --namespace-name $({})",
                   region, workgroup("workgroup.namespaceName"))},
  };
}

}  // namespace

std::string Or(std::string_view value, std::string_view placeholder) {
  return std::string(value.empty() ? placeholder : value);
}

std::vector<Placeholder> PlaceholdersIn(std::string_view text, const Facts& facts) {
  std::vector<Placeholder> found;
  for (auto& placeholder : All(facts)) {
    if (text.find(placeholder.name) != std::string_view::npos) {
      found.push_back(std::move(placeholder));
    }
  }
  return found;
}

std::string ExplainPlaceholders(std::string_view text, const Facts& facts,
                                std::string_view comment) {
  std::string explained;
  for (const auto& placeholder : PlaceholdersIn(text, facts)) {
    explained +=
        fmt::format("{}{}: {}. To find it:\n", comment, placeholder.name, placeholder.meaning);
    std::string_view how = placeholder.how;
    while (!how.empty()) {
      const auto end = std::min(how.find('\n'), how.size());
      explained += fmt::format("{}  {}\n", comment, how.substr(0, end));
      how.remove_prefix(std::min(end + 1, how.size()));
    }
  }
  return explained;
}

}  // namespace sluice::setup
