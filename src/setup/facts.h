// What is known about a connection when its administrator is told what to run. Values only.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::setup {

// How the database user comes about.
enum class Pattern {
  kIdentityUser,        // A: named after the AWS identity
  kUserTag,             // B: the tag RedshiftDbUser names it
  kRolesTag,            // C: the tag RedshiftDbRoles gives it database roles
  kClusterCredentials,  // D: GetClusterCredentials lets the client name it
};
char PatternLetter(Pattern pattern);  // 'A' to 'D'

// Who gives web identity tokens, as the token itself says.
struct WebIdentity {
  std::string issuer;    // "https://token.actions.githubusercontent.com" or without the scheme
  std::string audience;  // claim aud
  std::string subject;   // claim sub
};

// A schema to be read.
struct Schema {
  std::string name;
  std::vector<std::string> tables;  // those that streams name; may be empty
};

// An empty text is "not known": it becomes a placeholder (placeholders.h), except where a comment
// says what empty means.
struct Facts {
  std::string connection;  // REQUIRES: known
  Pattern pattern = Pattern::kIdentityUser;
  // The identity that connects: a role that is assumed, else an IAM user with keys.
  bool by_role = true;
  // by_role: Sluice assumes the role itself; else it has its keys from elsewhere.
  bool assumed_by_us = true;
  // B and C: the tag stands on the role or user itself; else Sluice sends it with the session.
  bool tag_on_identity = false;

  std::string partition = "aws";
  std::string account;  // of the workgroup, and of the role or user
  std::string region;   // of the workgroup
  std::string workgroup;
  std::string workgroup_id;                 // a UUID; not the name
  std::string namespace_id;                 // a UUID
  std::string identity_arn;                 // of the role or user
  std::string principal_arn;                // by_role: who assumes the role
  std::string external_id;                  // empty: none is demanded
  std::optional<WebIdentity> web_identity;  // instead of a principal
  int session_hours_max = 1;                // sessions last up to this

  std::string db_user;                // exactly as the server will see it: "IAMR:sluice-reader"
  std::vector<std::string> db_roles;  // C; empty: not known
  std::string database;
  std::vector<Schema> schemas;  // empty: not known
  // The future tables of these users become readable too; empty: said in a comment instead.
  std::vector<std::string> owners;
  // Grants name the tables of `schemas`, not all that a schema holds.
  bool only_named_tables = false;

  std::string bucket;
  std::string bucket_region;
  std::string root;                        // ends in '/'
  std::string bucket_account;              // empty: the same as `account`
  std::optional<std::string> kms_key;      // "auto", or an ARN; nullopt: files are not under KMS
  std::optional<std::string> unload_role;  // "default", or ARNs joined by commas

  // A lake that the same identity writes; an empty bucket: none.
  std::string lake_bucket;
  std::string lake_prefix;  // ends in '/', or empty

  int port = 5439;
  std::string our_address;     // as the workgroup sees it: a public one
  std::string security_group;  // of the workgroup
};

// The last part of "arn:aws:iam::1:role/path/NAME"; the placeholder of a name if `arn` is empty.
std::string IdentityName(const Facts& facts);
// "IAMR:NAME" or "IAM:NAME": what AWS derives if nothing else is arranged.
std::string DerivedUser(const Facts& facts);

}  // namespace sluice::setup
