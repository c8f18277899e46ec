// `sluice setup`: prints what the administrator runs, and applies nothing. Each part alone is text
// that can be applied as it stands; what a person should know beside it goes to standard error.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "aws/redshift_serverless.h"
#include "cli/commands.h"
#include "cli/setup_facts.h"

namespace sluice::cli {

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

struct SetupPart {
  std::string_view word;   // "sql": what follows `sluice setup`
  std::string_view title;  // "The database user and its grants"
  std::string_view who;    // "a superuser of the database"
  std::string text;        // empty: nothing is to be done
};
// All of them, in the order of the set-up guide, Terraform last.
std::vector<SetupPart> SetupParts(const setup::Facts& facts);

// Never throws for what AWS does not answer: `notes` says what is not known and why.
SetupAnswers AskAws(const SetupQuestions& questions, const config::Config& config,
                    std::stop_token stop, std::vector<std::string>& notes);

std::string SetupScreen(const std::vector<SetupPart>& parts, const setup::Facts& facts,
                        const Style& style);
std::string SetupJson(const std::vector<SetupPart>& parts, const SetupFacts& made);

int RunSetup(const Context& context, const config::Config& config);

}  // namespace sluice::cli
