#include "cli/setup_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/small_file.h"
#include "cli/exit_code.h"
#include "cli/json_envelope.h"
#include "cli/wiring.h"
#include "redshift/identity.h"
#include "setup/commands.h"
#include "setup/placeholders.h"
#include "setup/policies.h"
#include "setup/sql.h"
#include "setup/terraform.h"

namespace sluice::cli {
namespace {

// One answer of AWS takes a fraction of this; behind a closed firewall nobody waits longer.
constexpr std::chrono::seconds kPatience{8};
constexpr std::size_t kTokenBytesMax = 1U << 16U;

class Asking {
 public:
  Asking(const base::Clock& clock, std::stop_token stop, std::vector<std::string>& notes)
      : clock_(clock), stop_(std::move(stop)), notes_(notes) {}

  // The answer, or a default-made one and a note of what is not known.
  template <typename Question>
  auto Try(Question question, std::string_view what)
      -> decltype(question(std::declval<base::Call>())) {
    try {
      return question({.deadline = base::Deadline::After(clock_, kPatience), .stop = stop_});
    } catch (...) {
      const auto error = base::AsError(std::current_exception()).info();
      if (error.code == base::ErrorCode::kCancelled) throw;
      if (!what.empty()) {
        notes_.push_back(fmt::format("AWS did not tell {}: {}.", what, error.message));
      }
      return {};
    }
  }

 private:
  const base::Clock& clock_;
  const std::stop_token stop_;
  std::vector<std::string>& notes_;
};

std::string AccountOfConnection(const config::Config& config, const std::string& caller_arn) {
  const auto* role = std::get_if<config::RoleAuth>(&config.auth);
  return redshift::AccountOf(role != nullptr ? role->role_arn : caller_arn).value_or("");
}

std::string ReadToken(const config::Config& config) {
  const auto* role = std::get_if<config::RoleAuth>(&config.auth);
  if (role == nullptr || !role->web_identity_token_file) return "";
  return base::ReadSmallFile(role->web_identity_token_file->string(), kTokenBytesMax).text;
}

void AddPlaceholderNotes(const std::string& text, SetupFacts& made) {
  for (const auto& placeholder : setup::PlaceholdersIn(text, made.facts)) {
    made.notes.push_back(fmt::format("{} stands for {}. To find it:\n  {}", placeholder.name,
                                     placeholder.meaning, placeholder.how));
  }
}

// For a part without text: why.
std::string_view WhyEmpty(std::string_view word, const setup::Facts& facts) {
  if (word == "trust") {
    return facts.by_role ? "The role is not assumed by Sluice, so its trust policy stays as it is."
                         : "A user's keys need no trust policy.";
  }
  return "Nothing is to be run for this.";
}

int PrintPart(const Context& context, const std::vector<SetupPart>& parts, SetupFacts made) {
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const SetupPart& one) {
    return one.word == context.line.setup.part;
  });
  context.out(part->text);
  if (part->text.empty()) made.notes.emplace_back(WhyEmpty(part->word, made.facts));
  AddPlaceholderNotes(part->text, made);
  for (const auto& note : made.notes) {
    context.screen.PrintLine(context.log_style.Yellow("note") + ": " + Printable(note));
  }
  return kDone;
}

}  // namespace

std::vector<SetupPart> SetupParts(const setup::Facts& facts) {
  std::vector<SetupPart> parts = {
      {"network", "Let Sluice reach the workgroup", "whoever looks after the VPC, in a shell",
       setup::NetworkCommands(facts)},
      {"sql", "The database user and what it may read", "a superuser of the database",
       setup::Sql(facts)},
      {"bucket", "The staging bucket", "whoever owns the bucket, in a shell",
       setup::BucketCommands(facts)},
      {"iam",
       facts.by_role ? "Permission policy of the role, as an inline policy"
                     : "Permission policy of the user, as an inline policy",
       "an administrator of IAM", setup::PermissionPolicy(facts)},
      {"trust", "Trust policy of the role", "an administrator of IAM", setup::TrustPolicy(facts)},
      {"tag", "Tag and session of the identity", "an administrator of IAM, in a shell",
       setup::IdentityCommands(facts)},
      {"unload-role", "The role that Redshift writes with", "an administrator of IAM, in a shell",
       setup::UnloadRoleCommands(facts)},
      {"terraform", "All of it for Terraform", "instead of all of the above",
       setup::Terraform(facts)},
  };
  return parts;
}

SetupAnswers AskAws(const SetupQuestions& questions, const config::Config& config,
                    std::stop_token stop, std::vector<std::string>& notes) {
  const base::SystemClock clock;
  Asking asking(clock, std::move(stop), notes);
  SetupAnswers answers;
  const bool by_role = std::holds_alternative<config::RoleAuth>(config.auth);
  if (by_role) {
    answers.base_arn = asking.Try(questions.base_arn, "who assumes the role");
    // Whoever has no keys at all gets no further answer either.
    if (answers.base_arn.empty()) return answers;
  } else {
    answers.caller_arn = asking.Try(questions.caller_arn, "who connects");
    if (answers.caller_arn.empty()) return answers;
  }
  const std::string account = AccountOfConnection(config, answers.caller_arn);
  for (const auto& ask : {questions.workgroup, questions.workgroup_by_base}) {
    const aws::Workgroup workgroup = asking.Try(ask, "");
    // A workgroup of the same name in the account of the base is another one.
    if (workgroup.id.empty() || redshift::AccountOf(workgroup.arn) != account) continue;
    answers.workgroup_id = workgroup.id;
    answers.namespace_id = asking
                               .Try(
                                   [&](const base::Call& call) {
                                     return questions.namespace_of(workgroup.namespace_name, call);
                                   },
                                   "")
                               .id;
    break;
  }
  if (config.redshift.login_api == config::LoginApi::kGetCredentials) {
    answers.db_user = asking.Try(questions.db_user, "");
  }
  return answers;
}

std::string SetupScreen(const std::vector<SetupPart>& parts, const setup::Facts& facts,
                        const Style& style) {
  std::string screen = fmt::format(
      "{}: what an administrator runs once, pattern {} of the set-up guide.\n"
      "Sluice applies nothing of it. One part alone, to be pasted or piped: sluice setup PART\n",
      style.Bold(facts.connection), setup::PatternLetter(facts.pattern));
  std::string all;
  for (const auto& part : parts) {
    if (part.word != "terraform") all += part.text;
  }
  for (const auto& placeholder : setup::PlaceholdersIn(all, facts)) {
    screen += fmt::format("\n{} {}. To find it:\n{}\n", style.Yellow(placeholder.name),
                          placeholder.meaning, Indent(placeholder.how, "  "));
  }
  int number = 0;
  for (const auto& part : parts) {
    if (part.text.empty() || part.word == "terraform") continue;
    screen += fmt::format(
        "\n{}\n{}\n\n{}", style.Bold(fmt::format("{}. {}", ++number, part.title)),
        style.Dim(fmt::format("   run by {}  (sluice setup {})", part.who, part.word)), part.text);
  }
  return screen +
         fmt::format("\n{}\n", style.Dim("The same for Terraform: sluice setup terraform"));
}

std::string SetupJson(const std::vector<SetupPart>& parts, const SetupFacts& made) {
  Json json = {{"sluice", SLUICE_VERSION},
               {"command", "setup"},
               {"exit_code", kDone},
               {"error", nullptr},
               {"pattern", std::string(1, setup::PatternLetter(made.facts.pattern))}};
  std::string all;
  for (const auto& part : parts) {
    std::string word(part.word);
    std::replace(word.begin(), word.end(), '-', '_');
    json[word] = part.text;
    if (part.word != "terraform") all += part.text;
  }
  Json& placeholders = json["placeholders"] = Json::array();
  for (const auto& placeholder : setup::PlaceholdersIn(all, made.facts)) {
    placeholders.push_back(
        {{"name", placeholder.name}, {"meaning", placeholder.meaning}, {"how", placeholder.how}});
  }
  json["notes"] = made.notes;
  return Dump(json);
}

int RunSetup(const Context& context, const config::Config& config) {
  Connection connection(config, context.environment, context.clock, context.log);
  std::vector<std::string> notes;
  SetupAnswers answers;
  if (!context.line.setup.offline) {
    answers = AskAws(connection.SetupQuestions(), config, context.stop, notes);
  }
  SetupFacts made = MakeSetupFacts(config, connection.WorkgroupRegion(), context.line.setup,
                                   answers, ReadToken(config));
  made.notes.insert(made.notes.begin(), notes.begin(), notes.end());
  const auto parts = SetupParts(made.facts);
  if (context.line.json) {
    context.out(SetupJson(parts, made));
    return kDone;
  }
  if (!context.line.setup.part.empty()) return PrintPart(context, parts, std::move(made));
  for (const auto& note : made.notes) {
    context.screen.PrintLine(context.log_style.Yellow("note") + ": " + Printable(note));
  }
  context.out(SetupScreen(parts, made.facts, context.out_style));
  return kDone;
}

}  // namespace sluice::cli
