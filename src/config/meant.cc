#include "config/meant.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace sluice::config {
namespace {

// A field of ours and the names that people give it, in small letters without signs.
struct Meant {
  std::string_view group;
  std::string_view key;
  std::array<std::string_view, 7> names;
};
constexpr std::array kMeant = {
    Meant{"", "name", {"connectionname", "sourcename", "connection"}},
    Meant{"", "streams", {"tables", "table", "stream", "tablenames"}},
    Meant{"redshift",
          "workgroup",
          {"workgroup", "workgroupname", "redshiftworkgroup", "serverlessworkgroup"}},
    Meant{"redshift",
          "host",
          {"host", "hostname", "endpoint", "server", "redshifthost", "redshiftendpoint", "url"}},
    Meant{"redshift", "port", {"port", "redshiftport", "portnumber"}},
    Meant{"redshift", "database", {"database", "databasename", "db", "dbname", "redshiftdatabase"}},
    Meant{"redshift",
          "username",
          {"username", "user", "dbuser", "databaseuser", "databaseusername", "redshiftuser"}},
    Meant{"redshift", "login_api", {"loginapi"}},
    Meant{"redshift", "region", {"workgroupregion", "redshiftregion"}},
    Meant{"redshift",
          "sslrootcert",
          {"sslrootcert", "rootcert", "sslca", "cacert", "sslrootcertificate"}},
    Meant{"staging",
          "bucket",
          {"bucket", "bucketname", "s3bucket", "s3bucketname", "stagingbucket", "stagings3bucket",
           "stagingbucketname"}},
    Meant{"staging",
          "region",
          {"bucketregion", "s3bucketregion", "s3region", "stagingregion", "stagingbucketregion",
           "region", "awsregion"}},
    Meant{"staging",
          "root",
          {"root", "prefix", "s3prefix", "stagingprefix", "bucketpath", "s3bucketpath", "folder"}},
    Meant{"staging", "kms_key", {"kmskey", "kmskeyid", "kmskeyarn"}},
    Meant{"staging", "unload_role", {"unloadrole", "unloadrolearn"}},
    Meant{
        "auth",
        "role_arn",
        {"rolearn", "role", "iamrole", "iamrolearn", "awsrolearn", "assumerole", "assumerolearn"}},
    Meant{"auth", "external_id", {"externalid", "awsexternalid"}},
    Meant{"auth", "session_name", {"sessionname", "rolesessionname"}},
    Meant{"auth", "session_tags", {"sessiontags", "tags"}},
    Meant{"auth", "access_key_id", {"accesskeyid", "accesskey", "awsaccesskeyid", "keyid"}},
    Meant{
        "auth",
        "secret_access_key",
        {"secretaccesskey", "secretkey", "awssecretaccesskey", "secretkeyid", "secretaccesskeyid"}},
    Meant{"auth", "session_token", {"sessiontoken", "awssessiontoken"}},
    Meant{"auth", "profile", {"profile", "awsprofile", "profilename"}},
    Meant{"destination", "type", {"destinationtype"}},
    Meant{"destination", "path", {"destinationpath", "duckdbpath", "file", "filename"}},
    Meant{"destination", "user", {"username"}},
    Meant{"destination", "host", {"hostname", "server"}},
    Meant{"destination", "database", {"db", "dbname", "databasename"}},
    Meant{"destination", "schema", {"destinationschema", "targetschema"}},
    Meant{"streams", "table", {"tablename", "relation"}},
    Meant{"streams", "sql", {"query", "select", "statement"}},
    Meant{"streams", "primary_key", {"key", "keys", "pk", "primarykeys", "uniquekey"}},
    Meant{"streams",
          "cursor",
          {"cursorfield", "cursorcolumn", "incrementalcolumn", "incrementalkey", "replicationkey"}},
    Meant{"streams", "sync_mode", {"mode", "syncmode", "replicationmethod"}},
    Meant{"streams", "write_mode", {"writemode", "destinationsyncmode", "loadmode"}},
    Meant{"limits", "memory_mb", {"memory", "memorylimit", "maxmemory"}},
    Meant{"limits", "disk_mb", {"disk", "disklimit"}},
    Meant{"limits", "work_dir", {"workdir", "tmpdir", "tempdir"}},
    Meant{"history", "keep", {"historykeep", "keephistory", "retention", "keepdays"}},
};

// "Workgroup name", "workgroupName" and "workgroup_name" are one.
std::string Plain(std::string_view key) {
  std::string plain;
  for (const char c : key) {
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      plain += c;
    }
  }
  return plain;
}

Broken InItsGroup(std::string_view group, std::string_view key, std::string_view note = "") {
  if (key == "streams") {
    return {"is not a field that Sluice knows; tables stand in streams",
            "List them:\nstreams:\n  - table: sales.orders"};
  }
  return {fmt::format("stands outside its group, {}", group),
          fmt::format("Write it so:\n{}:\n  {}: ...{}", group, key, note)};
}

const Meant* FindMeant(const std::string& plain, std::string_view group) {
  const auto found = std::find_if(kMeant.begin(), kMeant.end(), [&](const Meant& meant) {
    return meant.group == group &&
           (Plain(meant.key) == plain ||
            std::find(meant.names.begin(), meant.names.end(), plain) != meant.names.end());
  });
  return found == kMeant.end() ? nullptr : &*found;
}

Broken DidYouMean(std::string_view key) {
  return {"is not a field that Sluice knows", fmt::format("Did you mean {0}? Write {0}: ...", key)};
}

}  // namespace

std::optional<Broken> MeantField(std::string_view path, std::string_view key,
                                 const std::vector<std::string_view>& known) {
  const std::string plain = Plain(key);
  if (plain.empty()) return std::nullopt;
  const auto here = std::find_if(known.begin(), known.end(),
                                 [&](std::string_view one) { return Plain(one) == plain; });
  if (here != known.end()) return DidYouMean(*here);
  if (plain == "password" && (path.empty() || path == "redshift")) {
    return Broken{"is not needed: AWS gives Sluice a password of its own for every log-in",
                  "Leave it out, and tell under auth how to log in to AWS."};
  }
  const std::string_view group = path.substr(0, path.find_first_of(".["));
  const Meant* meant = FindMeant(plain, group);
  if (meant != nullptr && std::find(known.begin(), known.end(), meant->key) != known.end()) {
    return meant->group.empty() && meant->key == "streams" ? InItsGroup("", "streams")
                                                           : DidYouMean(meant->key);
  }
  if (group == "destination" || group == "streams") return std::nullopt;
  for (const std::string_view other :
       {"redshift", "staging", "auth", "destination", "limits", "history"}) {
    if (other == group) continue;
    meant = FindMeant(plain, other);
    if (meant == nullptr) continue;
    const bool region = plain == "region" || plain == "awsregion";
    return InItsGroup(meant->group, meant->key,
                      region ? "\nIt is the bucket's; the workgroup's is redshift.region, and "
                               "mostly the host tells it."
                             : "");
  }
  return std::nullopt;
}

}  // namespace sluice::config
