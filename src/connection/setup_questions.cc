#include "connection/setup_questions.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "base/small_file.h"
#include "redshift/identity.h"

namespace sluice::connection {
namespace {

// One answer of AWS takes a fraction of this; behind a closed firewall nobody waits longer.
constexpr std::chrono::seconds kPatience{8};

constexpr std::size_t kTokenBytesMax = 1U << 16U;

std::string ReadToken(const config::Config& config) {
  const auto* role = std::get_if<config::RoleAuth>(&config.auth);
  if (role == nullptr || !role->web_identity_token_file) return "";
  return base::ReadSmallFile(role->web_identity_token_file->string(), kTokenBytesMax).text;
}

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

}  // namespace

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

SetupFacts FindSetupFacts(const SetupQuestions& questions, const config::Config& config,
                          const std::string& region, const SetupFlags& flags,
                          std::stop_token stop) {
  std::vector<std::string> notes;
  SetupAnswers answers;
  if (!flags.offline) answers = AskAws(questions, config, std::move(stop), notes);
  SetupFacts made = MakeSetupFacts(config, region, flags, answers, ReadToken(config));
  made.notes.insert(made.notes.begin(), notes.begin(), notes.end());
  return made;
}

}  // namespace sluice::connection
