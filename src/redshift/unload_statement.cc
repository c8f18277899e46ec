#include "redshift/unload_statement.h"

#include <fmt/format.h>

#include "base/error.h"
#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

// https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
constexpr std::size_t kStatementBytesMax = 16U << 20U;
constexpr std::string_view kAlnum =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

[[noreturn]] void Refuse(std::string field, std::string message, std::string remedy = {}) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "write UNLOAD",
                     .subject = std::move(field),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

bool OnlyOf(std::string_view text, std::string_view others) {
  for (const char c : text) {
    if (kAlnum.find(c) == std::string_view::npos && others.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

void CheckPrefix(std::string_view prefix) {
  constexpr char kField[] = "staging_prefix";
  constexpr std::string_view kScheme = "s3://";
  if (!prefix.starts_with(kScheme)) Refuse(kField, "does not start with s3://");
  prefix.remove_prefix(kScheme.size());
  if (!OnlyOf(prefix, "._=/-")) {
    Refuse(kField, "holds characters outside [A-Za-z0-9._=/-]",
           "Choose a bucket and staging.root of letters, digits, '.', '_', '=', '-' and '/'.");
  }
  if (!prefix.ends_with('/')) Refuse(kField, "does not end in '/'");
  int components = 0;
  while (!prefix.empty()) {
    const std::string_view component = prefix.substr(0, prefix.find('/'));
    if (component.empty()) Refuse(kField, "has an empty component");
    if (component.front() == '_' || component.front() == '.') {
      Refuse(kField, "has a component that starts with '_' or '.'",
             "Rename staging.root: readers of S3 take such names as hidden.");
    }
    prefix.remove_prefix(component.size() + 1);
    ++components;
  }
  // The bucket alone would let a leftover anywhere in it refuse the statement.
  if (components < 2) Refuse(kField, "has nothing behind the bucket");
}

void CheckOptions(const UnloadOptions& options) {
  CheckPrefix(options.staging_prefix);
  if (options.bucket_region.empty() || !OnlyOf(options.bucket_region, "-")) {
    Refuse("bucket_region", "is not the name of a region", "Set staging.region, e.g. us-east-1.");
  }
  if (options.part_mb_max < 5 || options.part_mb_max > 6200) {
    Refuse("part_mb_max", "is not from 5 to 6200");
  }
  if (options.kms_key && *options.kms_key != "auto" &&
      (!options.kms_key->starts_with("arn:") || !OnlyOf(*options.kms_key, ":/_-"))) {
    Refuse("kms_key", "is neither 'auto' nor the ARN of a key",
           "Set staging.kms_key: auto, or the key's full ARN.");
  }
}

void CheckSelect(std::string_view select) {
  const auto last = select.find_last_not_of(" \t\r\n\f\v");
  if (last == std::string_view::npos) Refuse("select", "is empty");
  if (select[last] == ';') Refuse("select", "ends in a semicolon", "Remove the semicolon.");
}

// Also what keeps a key from ending its literal early.
void CheckKey(const char* field, std::string_view value) {
  if (value.empty()) Refuse(field, "is empty");
  if (!OnlyOf(value, "+/=")) {
    Refuse(field, "holds characters that no AWS key has", "Check the keys for stray characters.");
  }
}

std::string KeyClause(const aws::SessionKeys& keys) {
  const std::string& secret = keys.secret_access_key.Reveal();
  const std::string& token = keys.session_token.Reveal();
  CheckKey("access_key_id", keys.access_key_id);
  CheckKey("secret_access_key", secret);
  std::string clause =
      fmt::format("ACCESS_KEY_ID '{}' SECRET_ACCESS_KEY '{}'", keys.access_key_id, secret);
  if (token.empty()) return clause;
  CheckKey("session_token", token);
  return clause + fmt::format(" SESSION_TOKEN '{}'", token);
}

std::string RoleClause(const std::string& arns) {
  if (arns == "default") return "IAM_ROLE default";
  if (!arns.starts_with("arn:") || !OnlyOf(arns, "+=,.@_:/-")) {
    Refuse("role", "is neither 'default' nor one or more role ARNs with commas and no blanks");
  }
  return "IAM_ROLE '" + arns + "'";
}

std::string EncryptionClause(const std::optional<std::string>& kms_key) {
  if (!kms_key) return "";
  return *kms_key == "auto" ? " ENCRYPTED AUTO" : " KMS_KEY_ID '" + *kms_key + "' ENCRYPTED";
}

base::Secret AuthClause(const UnloadAuth& auth) {
  if (const auto* role = std::get_if<UnloadRole>(&auth)) {
    return base::Secret(RoleClause(role->arns));
  }
  return base::Secret(KeyClause(std::get<aws::SessionKeys>(auth)));
}

}  // namespace

base::Secret BuildUnload(std::string_view select, const UnloadOptions& options,
                         const UnloadAuth& auth) {
  CheckSelect(select);
  CheckOptions(options);
  base::Secret statement(fmt::format(
      "UNLOAD ('{}') TO '{}' {} FORMAT AS PARQUET MANIFEST VERBOSE{} MAXFILESIZE {} MB REGION '{}'",
      Inner(select), options.staging_prefix, AuthClause(auth).Reveal(),
      EncryptionClause(options.kms_key), options.part_mb_max, options.bucket_region));
  if (statement.Reveal().size() > kStatementBytesMax) {
    Refuse("select", "makes a statement above 16 MB", "Select fewer columns or shorten the query.");
  }
  return statement;
}

}  // namespace sluice::redshift
