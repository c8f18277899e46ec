// From the configuration to a session: who we are, and what the database makes of it.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "check/steps.h"
#include "redshift/catalog.h"
#include "redshift/identity.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "sync/plan.h"

namespace sluice::check {
namespace {

using redshift::DbUserMatch;

void CompareUser(Checker& checker, const aws::DbCredentials& credentials) {
  const std::string& submitted = checker.options.submitted_user;
  const std::string ok = fmt::format("user {}", credentials.user);
  // The older call puts its prefix before the user that was asked for.
  if (checker.options.by_cluster_credentials) return checker.Report("database_credentials.ok", ok);
  const std::string seen = fmt::format("AWS derived the user {}, the configuration says {}",
                                       credentials.user, submitted);
  switch (redshift::MatchDbUser(submitted, credentials.user)) {
    case DbUserMatch::kSame: return checker.Report("database_credentials.ok", ok);
    case DbUserMatch::kSameButPrefix:
      return checker.Report("database_credentials.user_prefix", seen);
    case DbUserMatch::kDiffersInCase: return checker.Report("database_credentials.user_case", seen);
    case DbUserMatch::kDifferent: return checker.Report("database_credentials.user_mismatch", seen);
  }
}

void CompareWithPrediction(Checker& checker, const aws::DbCredentials& credentials) {
  if (checker.options.by_cluster_credentials) return;
  const std::string& tag = checker.options.tag_db_user;
  if (!tag.empty() && credentials.user != "IAMR:" + tag) {
    return checker.Report(
        "database_credentials.tag_ignored",
        fmt::format("the session tag says {}, AWS derived {}", tag, credentials.user));
  }
  // Whoever wrote that very name into the configuration knows of the tag on the role.
  if (checker.options.submitted_user == credentials.user) return;
  const auto predicted =
      redshift::PredictDbUser(checker.caller->arn, tag.empty() ? std::nullopt : std::optional(tag));
  if (predicted && *predicted != credentials.user) {
    checker.Report("database_credentials.unpredicted",
                   fmt::format("AWS derived {}, the identity {} tells {}", credentials.user,
                               checker.caller->arn, *predicted));
  }
}

// Below a minute nobody need do anything: AWS accepts five.
constexpr std::chrono::seconds kClockTolerance{60};

void CheckClock(Checker& checker, std::chrono::seconds ahead) {
  if (std::chrono::abs(ahead) < kClockTolerance) return;
  const auto now = checker.parts.clock.Utc();
  checker.Report(
      "identity.clock_off",
      fmt::format("this machine's clock is {} s {} AWS's", std::chrono::abs(ahead).count(),
                  ahead.count() > 0 ? "ahead of" : "behind"),
      "", {{"our_time", TimeText(now)}, {"server_time", TimeText(now - ahead)}});
}

std::set<std::string> SchemasOf(const std::vector<model::Stream>& streams) {
  std::set<std::string> schemas;
  for (const auto& stream : streams) {
    if (stream.table) schemas.insert(stream.table->schema);
    if (!stream.sql) continue;
    for (const auto& relation : redshift::RelationsIn(*stream.sql)) schemas.insert(relation.schema);
  }
  return schemas;
}

}  // namespace

void CheckConfiguration(Checker& checker) {
  const CheckOptions& options = checker.options;
  const redshift::Endpoint& endpoint = options.endpoint;
  checker.Report("configuration.ok",
                 fmt::format("workgroup {} in {}, database {}, {} stream{}", options.workgroup,
                             options.region, options.database, options.streams.size(),
                             options.streams.size() == 1 ? "" : "s"));
  if (endpoint.vpc_endpoint_suspected) {
    checker.Report("configuration.vpc_endpoint", fmt::format("host {}", endpoint.host));
  } else if (endpoint.workgroup && *endpoint.workgroup != options.workgroup) {
    checker.Report("configuration.workgroup_differs",
                   fmt::format("redshift.workgroup is {}, the host says {}", options.workgroup,
                               *endpoint.workgroup));
  }
  if (endpoint.region && *endpoint.region != options.region) {
    checker.Report(
        "configuration.region_differs",
        fmt::format("redshift.region is {}, the host says {}", options.region, *endpoint.region));
  }
  // Behind a name of one's own, ports are one's own too.
  if (endpoint.workgroup && !redshift::IsServerlessPort(options.port)) {
    checker.Report("configuration.unusual_port", fmt::format("port {}", options.port));
  }
  if (options.streams.empty() && !options.has_patterns && options.only != Only::kSource) {
    checker.Report(
        options.streams_to_come ? "configuration.streams_to_come" : "configuration.no_streams",
        "no streams are configured");
  }
  for (const auto& clash : sync::TargetClashes(options.streams, options.sync)) {
    checker.ReportFailure(Step::kConfiguration, clash);
  }
}

std::string TimeText(base::UtcTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(time));
}

std::string GrantBlock(const Checker& checker, std::string_view grantee, std::string_view indent) {
  auto schemas = SchemasOf(checker.streams);
  const auto& of_patterns = checker.options.schemas_of_patterns;
  schemas.insert(of_patterns.begin(), of_patterns.end());
  if (schemas.empty()) schemas.insert("<schema>");
  std::string block;
  for (const auto& schema : schemas) {
    block += fmt::format(
        "{0}{1}GRANT USAGE ON SCHEMA {2} TO {3};\n{1}GRANT SELECT ON ALL TABLES IN SCHEMA {2} TO "
        "{3};",
        block.empty() ? "" : "\n", indent, redshift::Ident(schema), grantee);
  }
  return block;
}

void CheckIdentity(Checker& checker) {
  aws::CallerIdentity caller;
  try {
    caller = checker.parts.who_am_i(checker.NewCall());
  } catch (const base::Error&) {
    checker.keys_from = checker.parts.describe_keys();
    throw;
  }
  checker.caller = caller;
  checker.Report("identity.ok", fmt::format("{} ({})", caller.arn, checker.parts.describe_keys()));
  if (caller.clock_ahead) CheckClock(checker, *caller.clock_ahead);
  if (caller.arn.ends_with(":root")) {
    checker.Report("identity.root", fmt::format("identity {}", caller.arn));
  }
  const auto& host_account = checker.options.endpoint.account;
  if (host_account && *host_account != caller.account) {
    checker.Report("identity.other_account",
                   fmt::format("the identity is of account {}, the host of {}", caller.account,
                               *host_account));
  }
}

void CheckDatabaseCredentials(Checker& checker) {
  const auto credentials = checker.parts.get_credentials(checker.NewCall());
  checker.credentials = credentials;
  checker.grants.to_user = GrantBlock(checker, redshift::Ident(credentials.user), "     ");
  const std::string plain = redshift::StripDbUser(checker.options.submitted_user);
  if (!plain.empty()) {
    checker.grants.to_tagged = GrantBlock(checker, redshift::Ident("IAMR:" + plain), "     ");
    checker.grants.to_submitted = GrantBlock(checker, redshift::Ident(plain), "  ");
  }
  CompareUser(checker, credentials);
  CompareWithPrediction(checker, credentials);
  if (!credentials.named_database) {
    checker.Report("database_credentials.without_database",
                   "GetCredentials was refused with dbName and passed without");
  }
}

void CheckLogin(Checker& checker) {
  const auto began = checker.parts.clock.Steady();
  checker.session = checker.parts.login(*checker.credentials, checker.NewCall());
  const std::chrono::duration<double> took = checker.parts.clock.Steady() - began;
  checker.Report("login.ok",
                 fmt::format("{}:{} over TLS, certificate verified, {:.1f} s",
                             checker.options.endpoint.host, checker.options.port, took.count()));
}

void CheckDatabaseUser(Checker& checker) {
  const auto who = redshift::WhoAmI(*checker.session, checker.NewCall());
  if (!redshift::IsExpectedCurrentUser(who.user, checker.credentials->user)) {
    checker.Report("database_user.unexpected", fmt::format("current_user is {}, logged in as {}",
                                                           who.user, checker.credentials->user));
    return;
  }
  checker.Report("database_user.ok",
                 fmt::format("{} in database {}{}", who.user, who.database,
                             who.version.empty() ? "" : ", Redshift " + who.version));
  if (who.superuser.value_or(false)) {
    checker.Report("database_user.superuser", fmt::format("{} is a superuser", who.user));
  }
}

}  // namespace sluice::check
