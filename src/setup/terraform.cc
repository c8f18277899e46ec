#include "setup/terraform.h"

#include <fmt/format.h>

#include "setup/commands.h"
#include "setup/placeholders.h"
#include "setup/policies.h"
#include "setup/sql.h"

namespace sluice::setup {
namespace {

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// `${` and `%{` begin templates, in quotes and in heredocs alike; doubling the first sign keeps
// them as they are. https://developer.hashicorp.com/terraform/language/expressions/strings
std::string WithoutTemplates(std::string text) {
  ReplaceAll(text, "${", "$${");
  ReplaceAll(text, "%{", "%%{");
  return text;
}

// Placeholders, which hold no quote, as references to the variables of the same meaning.
std::string WithVariables(std::string text, const Facts& facts) {
  for (const auto& placeholder : PlaceholdersIn(text, facts)) {
    ReplaceAll(text, placeholder.name, fmt::format("${{var.{}}}", placeholder.variable));
  }
  return text;
}

std::string Quoted(std::string_view text, const Facts& facts) {
  return WithVariables(HclQuote(text), facts);
}

// A document as a heredoc, indented under its closing word. The word stands alone in no line of
// ours: JSON and SQL hold none such.
std::string Heredoc(const std::string& document, const Facts& facts) {
  std::string text = WithVariables(WithoutTemplates(document), facts);
  if (!text.ends_with('\n')) text += '\n';
  return "<<SLUICE_TEXT\n" + text + "SLUICE_TEXT\n";
}

// Names in Terraform: letters, digits and '_', beginning with a letter.
std::string Label(const Facts& facts) {
  std::string label = "sluice_";
  for (const char c : facts.connection) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    label += good ? c : '_';
  }
  return label;
}

std::string Role(const Facts& facts, const std::string& label) {
  std::string text = fmt::format(
      "resource \"aws_iam_role\" \"{}\" {{\n"
      "  name = {}\n",
      label, Quoted(IdentityName(facts), facts));
  if (facts.session_hours_max > 1) {
    text += fmt::format("  max_session_duration = {}\n", facts.session_hours_max * 3600);
  }
  if (!facts.assumed_by_us) {
    return text +
           "  # As it is now: who may use this role is none of Sluice's business.\n"
           "  assume_role_policy = var.role_trust_policy\n";
  }
  return text + "  assume_role_policy = " + Heredoc(TrustPolicy(facts), facts);
}

std::string User(const Facts& facts, const std::string& label) {
  return fmt::format(
      "# Make its access key outside of Terraform, whose state would keep the secret.\n"
      "resource \"aws_iam_user\" \"{}\" {{\n"
      "  name = {}\n",
      label, Quoted(IdentityName(facts), facts));
}

std::string Identity(const Facts& facts, const std::string& label) {
  std::string text = facts.by_role ? Role(facts, label) : User(facts, label);
  if (facts.tag_on_identity) {
    const Tag tag = IdentityTag(facts);
    text += fmt::format("  tags = {{\n    {} = {}\n  }}\n", tag.key, Quoted(tag.value, facts));
  }
  const std::string_view kind = facts.by_role ? "role" : "user";
  return text + fmt::format(
                    "}}\n\n"
                    "resource \"aws_iam_{0}_policy\" \"{1}\" {{\n"
                    "  name = \"sluice\"\n"
                    "  {0} = aws_iam_{0}.{1}.id\n"
                    "  policy = {2}}}\n\n",
                    kind, label, Heredoc(PermissionPolicy(facts), facts));
}

std::string Bucket(const Facts& facts, const std::string& label) {
  std::string text = fmt::format(
      R"(resource "aws_s3_bucket" "{0}" {{
  bucket = {1}
}}

resource "aws_s3_bucket_public_access_block" "{0}" {{
  bucket                  = aws_s3_bucket.{0}.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}}

resource "aws_s3_bucket_ownership_controls" "{0}" {{
  bucket = aws_s3_bucket.{0}.id
  rule {{
    object_ownership = "BucketOwnerEnforced"
  }}
}}

resource "aws_s3_bucket_lifecycle_configuration" "{0}" {{
  bucket = aws_s3_bucket.{0}.id
  rule {{
    id     = "sluice-staging"
    status = "Enabled"
    filter {{
      prefix = {2}
    }}
    expiration {{
      days = 2
    }}
    noncurrent_version_expiration {{
      noncurrent_days = 1
    }}
    abort_incomplete_multipart_upload {{
      days_after_initiation = 2
    }}
  }}
}}

)",
      label, Quoted(facts.bucket, facts), Quoted(facts.root, facts));
  const std::string policy = BucketPolicy(facts);
  if (!policy.empty()) {
    text += fmt::format(
        "resource \"aws_s3_bucket_policy\" \"{0}\" {{\n"
        "  bucket = aws_s3_bucket.{0}.id\n"
        "  policy = {1}}}\n\n",
        label, Heredoc(policy, facts));
  }
  return text;
}

std::string Network(const Facts& facts, const std::string& label) {
  const std::string address = Or(facts.our_address, kAddress);
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format(
      "resource \"aws_vpc_security_group_ingress_rule\" \"{}\" {{\n"
      "  security_group_id = {}\n"
      "  description       = {}\n"
      "  ip_protocol       = \"tcp\"\n"
      "  from_port         = {}\n"
      "  to_port           = {}\n"
      "  {}         = {}\n"
      "}}\n\n",
      label, Quoted(Or(facts.security_group, kSecurityGroup), facts),
      Quoted("Sluice, connection " + facts.connection, facts), facts.port, facts.port,
      v6 ? "cidr_ipv6" : "cidr_ipv4", Quoted(address + (v6 ? "/128" : "/32"), facts));
}

std::string UnloadRole(const Facts& facts, const std::string& label) {
  if (!facts.unload_role) return "";
  return fmt::format(
      "# The role that Redshift writes with. Attach it to the namespace (iam_roles of\n"
      "# aws_redshiftserverless_namespace).\n"
      "resource \"aws_iam_role\" \"{0}_unload\" {{\n"
      "  name = {3}\n"
      "  assume_role_policy = {1}}}\n\n"
      "resource \"aws_iam_role_policy\" \"{0}_unload\" {{\n"
      "  name = \"sluice\"\n"
      "  role = aws_iam_role.{0}_unload.id\n"
      "  policy = {2}}}\n\n",
      label, Heredoc(UnloadRoleTrust(facts), facts), Heredoc(UnloadRolePolicy(facts), facts),
      Quoted(UnloadRoleName(facts), facts));
}

std::string Head(const Facts& facts) {
  // Without one the provider takes the region of its environment.
  const std::string region = facts.bucket_region.empty()
                                 ? ""
                                 : fmt::format("provider \"aws\" {{\n  region = {}\n}}\n\n",
                                               Quoted(facts.bucket_region, facts));
  std::string head =
      "# What Sluice needs. Existing things must be imported first (terraform import), or their\n"
      "# blocks taken out. The SQL is for an administrator of the database; Terraform only\n"
      "# keeps it.\n";
  if (!facts.region.empty() && facts.region != facts.bucket_region) {
    head += fmt::format(
        "# The bucket is in {}, the workgroup in {}: its security group needs a provider of its "
        "own.\n",
        facts.bucket_region, facts.region);
  }
  return head +
         "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n"
         "    }\n  }\n}\n\n" +
         region;
}

// One variable for each placeholder that `body` refers to.
std::string Variables(const std::string& body, const Facts& facts) {
  std::string all;
  for (const std::string_view name : {kAccount, kRegion, kWorkgroupId, kNamespaceId, kIdentityName,
                                      kPrincipal, kIssuer, kAudience, kSubject, kDbRole, kDbUser,
                                      kSchema, kKmsKey, kAddress, kSecurityGroup, kUnloadRole}) {
    all += name;
  }
  std::string text;
  if (body.find("var.role_trust_policy") != std::string::npos) {
    text +=
        "variable \"role_trust_policy\" {\n  type        = string\n"
        "  description = \"The role's present trust policy, JSON.\"\n}\n\n";
  }
  for (const auto& placeholder : PlaceholdersIn(all, facts)) {
    if (body.find(fmt::format("${{var.{}}}", placeholder.variable)) == std::string::npos) continue;
    text += fmt::format(
        "variable {} {{\n"
        "  type        = string\n"
        "  description = {}\n"
        "}}\n\n",
        HclQuote(placeholder.variable),
        HclQuote(fmt::format("{}. To find it: {}", placeholder.meaning, placeholder.how)));
  }
  return text;
}

}  // namespace

std::string HclQuote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': quoted += "\\\""; break;
      case '\\': quoted += "\\\\"; break;
      case '\n': quoted += "\\n"; break;
      case '\r': quoted += "\\r"; break;
      case '\t': quoted += "\\t"; break;
      default: quoted += c;
    }
  }
  return WithoutTemplates(quoted + "\"");
}

std::string Terraform(const Facts& facts) {
  const std::string label = Label(facts);
  const std::string body = Identity(facts, label) + Bucket(facts, label) + Network(facts, label) +
                           UnloadRole(facts, label) + "locals {\n  " + label +
                           "_sql = " + Heredoc(Sql(facts), facts) + "}\n";
  return Head(facts) + Variables(body, facts) + body;
}

}  // namespace sluice::setup
