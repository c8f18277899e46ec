// The steps of the preflight, one function each. check.cc runs them.
#pragma once
#include <future>
#include <optional>
#include <set>
#include <string>

#include "check/check.h"

namespace sluice::check {

// What the steps share and learn from each other.
class Checker {
 public:
  Checker(const CheckOptions& options_in, const CheckParts& parts_in, std::stop_token stop)
      : options(options_in), parts(parts_in), streams(options_in.streams), stop_(std::move(stop)) {}

  const CheckOptions& options;
  const CheckParts& parts;

  // Learned on the way.
  std::vector<model::Stream> streams;  // from the log-in on with those that patterns choose
  std::optional<aws::CallerIdentity> caller;
  std::optional<aws::DbCredentials> credentials;
  std::unique_ptr<redshift::Session> session;
  // Of this check alone: where its objects lie.
  std::string run_prefix;
  std::string own_root;
  std::string bucket_region;
  std::string keys_from;  // set only if the identity is not known
  std::optional<pq::ProbeResult> probed;
  // GRANTs for the streams' schemas, to the users that may be meant.
  struct Grants {
    std::string to_user;
    std::string to_tagged;     // the user that the tag RedshiftDbUser would give
    std::string to_submitted;  // the configuration's
  };
  Grants grants;

  // Each finding is filled in from Known() and from `own`, which is of this finding alone:
  // "schema", "table", ... What one stream brought to light never stands in the remedy of another.
  void Report(std::string_view id, std::string seen, std::string subject = "", Facts own = {});
  // Of the exception being handled.
  void ReportFailure(Step step, std::string subject = "", Facts own = {});
  void ReportFailure(Step step, const base::ErrorInfo& error, std::string subject = "",
                     Facts own = {});
  // What holds for every finding: of the configuration, and learned on the way.
  Facts Known() const;
  void ReportSkipped(Step step, Step because);
  // The destination is looked at while the streams are, as their plans ask it; what is found is
  // told in its turn.
  void KeepFailure(base::ErrorInfo error, std::string subject = "");
  void TellDestination();
  bool Failed(Step step) const { return failed_.contains(step); }
  // A step may take this long; a workgroup that sleeps needs a minute of it.
  base::Call NewCall() const;
  bool stopped() const { return stop_.stop_requested(); }

  // Findings of other steps than kNetwork wait until Release, so that they are told in the guide's
  // order although the network is looked at meanwhile.
  void Hold() { holding_ = true; }
  void Release();

  std::future<pq::ProbeResult> probing;
  bool destination_looked_at = false;
  std::vector<Finding> of_destination;
  std::vector<Finding> findings;

 private:
  void Add(Finding finding);
  void Tell(Finding finding);
  bool holding_ = false;
  std::vector<Finding> held_;
  const std::stop_token stop_;
  std::set<Step> failed_;
};

void CheckConfiguration(Checker& checker);
void StartProbe(Checker& checker);
void CheckNetwork(Checker& checker);
void CheckIdentity(Checker& checker);
void CheckDatabaseCredentials(Checker& checker);
void CheckLogin(Checker& checker);
void CheckDatabaseUser(Checker& checker);
void CheckStreams(Checker& checker);
void CheckBucket(Checker& checker);
void CheckBucketRights(Checker& checker);
void CheckUnload(Checker& checker);
void CheckLocal(Checker& checker);
void CheckDestination(Checker& checker);

// Opens the destination, proves that it can be written, lets `use` ask it (null if it cannot be
// opened) and closes it, whatever happens. What is wrong with it is kept for its own step.
void WithDestination(Checker& checker, const std::function<void(destinations::Destination*)>& use);

// "GRANT USAGE ..., GRANT SELECT ON ALL TABLES ..." for every schema that the streams name, each
// line behind `indent`.
std::string GrantBlock(const Checker& checker, std::string_view grantee, std::string_view indent);
std::string TimeText(base::UtcTime time);
// "a, b".
std::string Joined(const std::vector<std::string>& names, std::string_view if_none = "");

}  // namespace sluice::check
