// What `setup` asks AWS, so that an administrator is told names instead of placeholders.
#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/redshift_serverless.h"
#include "base/clock.h"
#include "config/config.h"
#include "connection/setup_facts.h"

namespace sluice::connection {

// What may be asked of AWS. Each throws base::Error.
struct SetupQuestions {
  std::function<std::string(const base::Call&)> base_arn;    // before any role is assumed
  std::function<std::string(const base::Call&)> caller_arn;  // the identity that connects
  // With the keys that connect, and with those of the base: an administrator's, perhaps.
  std::function<aws::Workgroup(const base::Call&)> workgroup;
  std::function<aws::Workgroup(const base::Call&)> workgroup_by_base;
  std::function<aws::Namespace(const std::string& name, const base::Call&)> namespace_of;
  std::function<std::string(const base::Call&)> db_user;
};

// Never throws for what AWS does not answer: `notes` says what is not known and why.
SetupAnswers AskAws(const SetupQuestions& questions, const config::Config& config,
                    std::stop_token stop, std::vector<std::string>& notes);

// All of it: what AWS answers (unless `flags.offline`) and the configuration, as facts. Throws as
// MakeSetupFacts, and kCancelled.
SetupFacts FindSetupFacts(const SetupQuestions& questions, const config::Config& config,
                          const std::string& region, const SetupFlags& flags, std::stop_token stop);

}  // namespace sluice::connection
