// The steps of the preflight, one function each. check.cc runs them.
#pragma once
#include <optional>
#include <set>
#include <string>

#include "check/check.h"

namespace sluice::check {

// What the steps share and learn from each other.
class Checker {
 public:
  Checker(const CheckOptions& options_in, const CheckParts& parts_in, std::stop_token stop)
      : options(options_in), parts(parts_in), stop_(std::move(stop)) {}

  const CheckOptions& options;
  const CheckParts& parts;

  // Learned on the way.
  std::optional<aws::CallerIdentity> caller;
  std::optional<aws::DbCredentials> credentials;
  std::unique_ptr<redshift::Session> session;
  // Of this check alone: where its objects lie.
  std::string run_prefix;
  std::string own_root;
  // For remedies: "db_user", "schema", "bucket", ...
  Facts facts;

  void Report(std::string_view id, std::string seen, std::string subject = "");
  void ReportFailure(Step step, std::string subject = "");  // of the exception being handled
  void ReportSkipped(Step step, Step because);
  bool Failed(Step step) const { return failed_.contains(step); }
  // A step may take this long; a workgroup that sleeps needs a minute of it.
  base::Call NewCall() const;
  bool stopped() const { return stop_.stop_requested(); }

  std::vector<Finding> findings;

 private:
  void Add(Finding finding);
  const std::stop_token stop_;
  std::set<Step> failed_;
};

void CheckConfiguration(Checker& checker);
void CheckIdentity(Checker& checker);
void CheckDatabaseCredentials(Checker& checker);
void CheckLogin(Checker& checker);
void CheckDatabaseUser(Checker& checker);
void CheckStreams(Checker& checker);
void CheckBucket(Checker& checker);
void CheckBucketRights(Checker& checker);
void CheckUnload(Checker& checker);
void CheckDestination(Checker& checker);

}  // namespace sluice::check
