#include "setup/sql.h"

#include <fmt/format.h>

#include "redshift/identity.h"
#include "redshift/quoting.h"
#include "setup/placeholders.h"

namespace sluice::setup {
namespace {

using redshift::Ident;

// A name in a comment: a line end in it would leave the comment.
std::string InComment(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

// Pattern D logs in as "IAM:x" and is the user x.
std::string UserName(const Facts& facts) {
  if (facts.pattern == Pattern::kClusterCredentials) {
    return Or(redshift::StripDbUser(facts.db_user), kDbUser);
  }
  return facts.db_user.empty() ? DerivedUser(facts) : facts.db_user;
}

std::vector<std::string> RoleNames(const Facts& facts) {
  if (facts.db_roles.empty()) return {std::string(kDbRole)};
  return facts.db_roles;
}

std::vector<Schema> SchemasOf(const Facts& facts) {
  if (facts.schemas.empty()) return {{.name = std::string(kSchema), .tables = {}}};
  return facts.schemas;
}

std::string CreateGrantees(const Facts& facts) {
  std::string sql;
  if (facts.pattern == Pattern::kRolesTag) {
    sql += "-- Leave out what exists already.\n";
    for (const auto& role : RoleNames(facts)) sql += fmt::format("CREATE ROLE {};\n", Ident(role));
    return sql;
  }
  return fmt::format(
      "-- Leave it out if it exists already: the first login may have made it.\n"
      "CREATE USER {} PASSWORD DISABLE;\n",
      Ident(UserName(facts)));
}

std::string GrantsTo(const std::string& grantee, const Facts& facts) {
  std::string sql;
  for (const auto& schema : SchemasOf(facts)) {
    sql += fmt::format("GRANT USAGE ON SCHEMA {} TO {};\n", Ident(schema.name), grantee);
    if (facts.only_named_tables) {
      for (const auto& table : schema.tables) {
        sql += fmt::format("GRANT SELECT ON TABLE {}.{} TO {};\n", Ident(schema.name), Ident(table),
                           grantee);
      }
      continue;
    }
    sql += fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {};\n", Ident(schema.name),
                       grantee);
    for (const auto& owner : facts.owners) {
      sql += fmt::format(
          "ALTER DEFAULT PRIVILEGES FOR USER {} IN SCHEMA {} GRANT SELECT ON TABLES TO {};\n",
          Ident(owner), Ident(schema.name), grantee);
    }
  }
  return sql;
}

// ALL TABLES is a snapshot, so tables of tomorrow need default privileges, which hold for those
// that one named user makes.
// https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_DEFAULT_PRIVILEGES.html
std::string FutureTables(const std::string& grantee, const Facts& facts) {
  if (facts.only_named_tables || !facts.owners.empty()) return "";
  std::string sql =
      "-- The grants cover the tables of today. For those that a user OWNER will make, run this\n"
      "-- too, as OWNER or as a superuser (sluice setup --owner OWNER writes it):\n";
  for (const auto& schema : SchemasOf(facts)) {
    sql += fmt::format(
        "-- ALTER DEFAULT PRIVILEGES FOR USER \"OWNER\" IN SCHEMA {} GRANT SELECT ON TABLES TO "
        "{};\n",
        InComment(Ident(schema.name)), InComment(grantee));
  }
  return sql;
}

}  // namespace

std::string Sql(const Facts& facts) {
  std::vector<std::string> grantees;
  if (facts.pattern == Pattern::kRolesTag) {
    for (const auto& role : RoleNames(facts)) grantees.push_back("ROLE " + Ident(role));
  } else {
    grantees.push_back(Ident(UserName(facts)));
  }
  std::string body = CreateGrantees(facts);
  for (const auto& grantee : grantees) body += GrantsTo(grantee, facts);
  for (const auto& grantee : grantees) body += FutureTables(grantee, facts);
  return fmt::format("-- In database {}, as a superuser or the owner of the schemas.\n{}{}",
                     InComment(facts.database), ExplainPlaceholders(body, facts, "-- "), body);
}

}  // namespace sluice::setup
