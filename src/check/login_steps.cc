// From the configuration to a session: who we are, and what the database makes of it.
#include <fmt/format.h>

#include "check/steps.h"
#include "redshift/catalog.h"
#include "redshift/identity.h"

namespace sluice::check {
namespace {

using redshift::DbUserMatch;

void CompareUser(Checker& checker, const aws::DbCredentials& credentials) {
  const std::string& submitted = checker.options.submitted_user;
  const std::string seen = fmt::format("AWS derived the user {}, the configuration says {}",
                                       credentials.user, submitted);
  switch (redshift::MatchDbUser(submitted, credentials.user)) {
    case DbUserMatch::kSame:
      checker.Report("database_credentials.ok", fmt::format("user {}", credentials.user));
      break;
    case DbUserMatch::kSameButPrefix:
      checker.Report("database_credentials.user_prefix", seen);
      break;
    case DbUserMatch::kDiffersInCase: checker.Report("database_credentials.user_case", seen); break;
    case DbUserMatch::kDifferent: checker.Report("database_credentials.user_mismatch", seen); break;
  }
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
  if (options.streams.empty()) {
    checker.Report("configuration.no_streams", "no streams are configured");
  }
}

void CheckIdentity(Checker& checker) {
  const auto caller = checker.parts.who_am_i(checker.NewCall());
  checker.caller = caller;
  checker.Report("identity.ok", fmt::format("{} ({})", caller.arn, checker.parts.describe_keys()));
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
  checker.facts["db_user"] = credentials.user;
  checker.facts["submitted_plain"] = redshift::StripDbUser(checker.options.submitted_user);
  for (const auto& stream : checker.options.streams) {
    if (stream.table) checker.facts.try_emplace("schema", stream.table->schema);
  }
  CompareUser(checker, credentials);
  const auto predicted = redshift::PredictDbUser(checker.caller->arn);
  if (predicted && *predicted != credentials.user) {
    checker.Report("database_credentials.unpredicted",
                   fmt::format("AWS derived {}, the identity {} tells {}", credentials.user,
                               checker.caller->arn, *predicted));
  }
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
