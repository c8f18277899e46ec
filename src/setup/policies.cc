#include "setup/policies.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "redshift/identity.h"
#include "setup/placeholders.h"

namespace sluice::setup {
namespace {

using Json = nlohmann::ordered_json;  // documents are read by people: Version first

std::string Document(Json statements) {
  return Json{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}}.dump(
             2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string Arn(const Facts& facts, std::string_view service, std::string_view rest) {
  return fmt::format("arn:{}:{}:{}:{}:{}", facts.partition, service, Or(facts.region, kRegion),
                     Or(facts.account, kAccount), rest);
}

std::string BucketArn(const Facts& facts) {
  return fmt::format("arn:{}:s3:::{}", facts.partition, facts.bucket);
}

std::string WorkgroupArn(const Facts& facts) {
  return Arn(facts, "redshift-serverless", "workgroup/" + Or(facts.workgroup_id, kWorkgroupId));
}

Json Allow(std::string_view sid, Json actions, Json resource) {
  return {{"Sid", sid},
          {"Effect", "Allow"},
          {"Action", std::move(actions)},
          {"Resource", std::move(resource)}};
}

// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-migration.html: the older call works
// for workgroups too. AWS does not tell which cluster name stands in the ARN (assumed: any), so
// user and database are what narrows it.
void AddClusterLogin(Json& statements, const Facts& facts) {
  const std::string user = redshift::StripDbUser(facts.db_user);
  statements.push_back(Allow("Login", "redshift:GetClusterCredentials",
                             {Arn(facts, "redshift", "dbuser:*/" + Or(user, kDbUser)),
                              Arn(facts, "redshift", "dbname:*/" + facts.database)}));
  statements.push_back(Allow("Workgroup", "redshift-serverless:GetWorkgroup", WorkgroupArn(facts)));
  statements.push_back(Allow(
      "Namespace", "redshift-serverless:GetNamespace",
      Arn(facts, "redshift-serverless", "namespace/" + Or(facts.namespace_id, kNamespaceId))));
}

// Of whoever writes parts: Redshift does it in pieces (multipart) when they are large.
Json BucketStatement(const Facts& facts) {
  return Allow("Bucket", {"s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"},
               BucketArn(facts));
}

Json ObjectsStatement(const Facts& facts, bool with_delete) {
  Json actions = {"s3:GetObject", "s3:PutObject"};
  if (with_delete) actions.push_back("s3:DeleteObject");
  actions.push_back("s3:AbortMultipartUpload");
  actions.push_back("s3:ListMultipartUploadParts");
  return Allow("Objects", std::move(actions), BucketArn(facts) + "/" + facts.root + "*");
}

void AddKey(Json& statements, const Facts& facts) {
  if (!facts.kms_key) return;
  const std::string key = *facts.kms_key == "auto" ? std::string(kKmsKey) : *facts.kms_key;
  statements.push_back(Allow("Key", {"kms:GenerateDataKey", "kms:Decrypt"}, key));
}

// docs/LAKE.md, "Rights in the bucket".
void AddLake(Json& statements, const Facts& facts) {
  if (facts.lake_bucket.empty()) return;
  const std::string arn = fmt::format("arn:{}:s3:::{}", facts.partition, facts.lake_bucket);
  statements.push_back(Allow("Lake", "s3:ListBucket", arn));
  statements.push_back(Allow(
      "LakeObjects", {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"},
      arn + "/" + facts.lake_prefix + "*"));
}

// accounts.google.com is known to AWS by its bare name; other issuers are providers in the account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
Json WebIdentityStatement(const Facts& facts) {
  std::string_view issuer = facts.web_identity->issuer;
  if (issuer.starts_with("https://")) issuer.remove_prefix(8);
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  const std::string name = Or(issuer, kIssuer);
  const bool google = name == "accounts.google.com";
  const std::string provider = google
                                   ? name
                                   : fmt::format("arn:{}:iam::{}:oidc-provider/{}", facts.partition,
                                                 Or(facts.account, kAccount), name);
  return {{"Sid", "Assume"},
          {"Effect", "Allow"},
          {"Principal", {{"Federated", provider}}},
          {"Action", "sts:AssumeRoleWithWebIdentity"},
          {"Condition",
           {{"StringEquals",
             {{name + (google ? ":oaud" : ":aud"), Or(facts.web_identity->audience, kAudience)},
              {name + ":sub", Or(facts.web_identity->subject, kSubject)}}}}}};
}

bool SendsTags(const Facts& facts) {
  return !facts.tag_on_identity &&
         (facts.pattern == Pattern::kUserTag || facts.pattern == Pattern::kRolesTag);
}

std::string UnloadUserArn(const Facts& facts) {
  const std::string user = facts.db_user.empty() ? DerivedUser(facts) : facts.db_user;
  return Arn(facts, "redshift",
             fmt::format("dbuser:serverless-{}-{}/{}", Or(facts.account, kAccount),
                         Or(facts.workgroup_id, kWorkgroupId), user));
}

}  // namespace

std::string PermissionPolicy(const Facts& facts) {
  Json statements = Json::array();
  if (facts.pattern == Pattern::kClusterCredentials) {
    AddClusterLogin(statements, facts);
  } else {
    statements.push_back(Allow("Login", "redshift-serverless:GetCredentials", WorkgroupArn(facts)));
  }
  // For tags on the identity itself AWS asks for both; for tags of a session it does not.
  // https://docs.aws.amazon.com/redshift/latest/mgmt/redshift-iam-access-federated-db-roles.html
  if (facts.pattern == Pattern::kRolesTag && facts.tag_on_identity) {
    statements.push_back(Allow("Tags", {"tag:GetResources", "tag:GetTagKeys"}, "*"));
  }
  statements.push_back(BucketStatement(facts));
  statements.push_back(ObjectsStatement(facts, true));
  AddKey(statements, facts);
  AddLake(statements, facts);
  // Keys that stand in the text of an UNLOAD are narrowed first; a role does it by being assumed
  // once more, a user by this call. A role that Redshift uses needs no keys.
  if (!facts.by_role && !facts.unload_role) {
    statements.push_back(Allow("Narrow", "sts:GetFederationToken",
                               fmt::format("arn:{}:sts::{}:federated-user/*", facts.partition,
                                           Or(facts.account, kAccount))));
  }
  return Document(std::move(statements));
}

std::string TrustPolicy(const Facts& facts) {
  if (!facts.by_role || !facts.assumed_by_us) return "";
  if (facts.web_identity) return Document(Json::array({WebIdentityStatement(facts)}));
  Json statement = {{"Sid", "Assume"},
                    {"Effect", "Allow"},
                    {"Principal", {{"AWS", Or(facts.principal_arn, kPrincipal)}}},
                    {"Action", "sts:AssumeRole"}};
  if (SendsTags(facts)) statement["Action"] = {"sts:AssumeRole", "sts:TagSession"};
  if (!facts.external_id.empty()) {
    statement["Condition"] = {{"StringEquals", {{"sts:ExternalId", facts.external_id}}}};
  }
  return Document(Json::array({statement}));
}

std::string BucketPolicy(const Facts& facts) {
  if (facts.bucket_account.empty() || facts.bucket_account == facts.account) return "";
  const std::string kind = facts.by_role ? "role" : "user";
  const Json principal = {
      {"AWS", facts.identity_arn.empty()
                  ? fmt::format("arn:{}:iam::{}:{}/{}", facts.partition,
                                Or(facts.account, kAccount), kind, kIdentityName)
                  : facts.identity_arn}};
  Json statements = Json::array({BucketStatement(facts), ObjectsStatement(facts, true)});
  for (auto& statement : statements) {
    statement["Sid"] = "Sluice" + statement["Sid"].get<std::string>();
    statement["Principal"] = principal;
  }
  return Document(std::move(statements));
}

std::string LifecycleRule(const Facts& facts) {
  const Json rule = {{"ID", "sluice-staging"},
                     {"Status", "Enabled"},
                     {"Filter", {{"Prefix", facts.root}}},
                     {"Expiration", {{"Days", 2}}},
                     {"NoncurrentVersionExpiration", {{"NoncurrentDays", 1}}},
                     {"AbortIncompleteMultipartUpload", {{"DaysAfterInitiation", 2}}}};
  return Json{{"Rules", Json::array({rule})}}.dump(2) + "\n";
}

// Both services: leaving the second out is reported to fail with "Not authorized to get
// credentials of role". The user's ARN as external id lets nobody else in the workgroup use it.
// https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service-database-users.html
std::string UnloadRoleTrust(const Facts& facts) {
  return Document(Json::array(
      {{{"Sid", "Unload"},
        {"Effect", "Allow"},
        {"Principal",
         {{"Service", {"redshift.amazonaws.com", "redshift-serverless.amazonaws.com"}}}},
        {"Action", "sts:AssumeRole"},
        {"Condition",
         {{"StringEquals",
           {{"aws:SourceAccount", Or(facts.account, kAccount)},
            {"sts:ExternalId", UnloadUserArn(facts)}}}}}}}));
}

std::string UnloadRolePolicy(const Facts& facts) {
  Json statements = Json::array({BucketStatement(facts), ObjectsStatement(facts, false)});
  AddKey(statements, facts);
  return Document(std::move(statements));
}

}  // namespace sluice::setup
