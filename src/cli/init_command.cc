#include "cli/init_command.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/line_reader.h"
#include "cli/screens.h"
#include "cli/whole_file.h"
#include "config/yaml_tree.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSecretVariable = "SLUICE_SECRET_ACCESS_KEY";
constexpr unsigned kOwnerOnly = 0600;
constexpr unsigned kReadable = 0644;

constexpr std::string_view kIntroduction =
    "A few questions, in the order of the set-up guide, then a configuration is written.\n"
    "Enter takes what stands in [brackets]. Nothing is written before the last answer.\n";

base::Error Bad(std::string subject, std::string message, std::string remedy) {
  return base::Error({.code = base::ErrorCode::kInvalidConfig,
                      .operation = "init",
                      .subject = std::move(subject),
                      .message = std::move(message),
                      .remedy = std::move(remedy)});
}

std::string ReadFile(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Bad(file.string(), "it cannot be read", "Check its name and its rights.");
  std::string text(config::kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

class Init {
 public:
  explicit Init(const Context& context)
      : context_(context),
        flags_(context.line.init),
        file_(context.line.config),
        reader_(STDIN_FILENO, context.stop) {}

  InitResult Run() {
    LookAtFile();
    dialogue_.emplace(Options());
    TakeFlags();
    if (flags_.non_interactive) {
      TakePresets();
    } else {
      Ask();
    }
    const bool written = Write();
    Tell(written);
    return {.exit_code = kDone, .check = WantsCheck()};
  }

 private:
  const Style& style() const { return context_.log_style; }
  void Say(std::string_view text) { WriteAll(STDERR_FILENO, text); }

  // -- what is there ---------------------------------------------------------------------------

  void LookAtFile() {
    if (flags_.force || !fs::exists(file_)) return;
    if (flags_.non_interactive && !flags_.edit) {
      throw Bad(file_.string(), "it exists already",
                "--edit changes in it what flags tell and keeps the rest; --force writes it anew; "
                "--config names another.");
    }
    text_ = ReadFile(file_);
    const auto problems = config::ParseYaml(text_).problems;
    if (!problems.empty()) {
      throw Bad(config::Place(file_, problems.front()),
                "the file that is there is not YAML: it " + problems.front().problem,
                problems.front().remedy + "\nOr begin anew: sluice init --force");
    }
    existing_ = true;
  }

  Dialogue::Options Options() const {
    Dialogue::Options options;
    options.existing = existing_;
    if (existing_) {
      const Present present = ReadPresent(text_);
      options.presets = present.answers;
      options.has_secret = present.has_secret;
      options.has_destination = present.has_destination;
    }
    options.aws_region = context_.environment("AWS_REGION");
    if (!options.aws_region) options.aws_region = context_.environment("AWS_DEFAULT_REGION");
    options.references = {.environment = context_.environment, .folder = file_.parent_path()};
    return options;
  }

  // -- answers ---------------------------------------------------------------------------------

  // Flags answer first; the host before all, because it tells so much.
  void TakeFlags() {
    Answers given = flags_.given;
    ChooseAuth(given);
    std::string problems;
    const auto take = [&](Field field, const std::string& text) {
      const Reply reply = dialogue_->Answer(field, text);
      const std::string_view flag = InfoOf(field).flag;
      if (!reply.accepted) {
        problems += fmt::format("{}: {}\n{}\n", flag, reply.text, Indent(reply.remedy, "  "));
      } else if (!reply.text.empty()) {
        Say(fmt::format("{}: {}: {}\n", style().Yellow("note"), flag, reply.text));
      }
    };
    if (given.contains(Field::kHost)) take(Field::kHost, given[Field::kHost]);
    for (const auto& [field, text] : given) {
      if (field != Field::kHost) take(field, text);
    }
    if (!flags_.secret_file.empty()) {
      std::string secret = ReadFile(flags_.secret_file);
      while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
      dialogue_->Answer(Field::kSecretStore, "file");
      const Reply reply = dialogue_->AnswerSecret(base::Secret(std::move(secret)));
      if (!reply.accepted) {
        problems += fmt::format("--secret-access-key-file: {}\n  {}\n", reply.text, reply.remedy);
      }
    }
    if (problems.empty()) return;
    problems.pop_back();
    throw Bad("flags", "some answers are not good", problems);
  }

  void ChooseAuth(Answers& given) const {
    if (given.contains(Field::kAuth)) return;
    if (given.contains(Field::kRoleArn)) given[Field::kAuth] = "role";
    if (given.contains(Field::kAccessKeyId)) given[Field::kAuth] = "keys";
    if (given.contains(Field::kProfile)) given[Field::kAuth] = "profile";
    if (flags_.default_chain) given[Field::kAuth] = "default_chain";
  }

  void TakePresets() {
    std::string missing;
    int count = 0;
    while (const auto question = dialogue_->Next()) {
      const Field field = question->info.field;
      if (!question->secret && (question->preset || question->optional)) {
        const Reply reply = dialogue_->Answer(field, "");
        if (reply.accepted) continue;
      }
      ++count;
      missing += fmt::format("{:<26} {}{}\n", question->info.flag, question->info.title,
                             question->info.example.empty()
                                 ? ""
                                 : fmt::format(", for example {}", question->info.example));
      dialogue_->Skip(field);
    }
    if (missing.empty()) return;
    missing.pop_back();
    throw Bad("flags", fmt::format("{} answer{} missing", count, count == 1 ? " is" : "s are"),
              missing);
  }

  void Ask() {
    Say(style().Bold(existing_ ? fmt::format("Changing {}.\n", file_.string())
                               : "Sluice brings tables from Amazon Redshift Serverless to you.\n"));
    Say(kIntroduction);
    while (const auto question = dialogue_->Next()) {
      Show(*question);
      while (!AskOnce(*question)) {
      }
    }
  }

  void Show(const Question& question) {
    std::string text = "\n" + style().Bold(question.info.title) + "\n";
    std::string help(question.info.help);
    if (!question.info.example.empty()) {
      help += fmt::format(" For example: {}", question.info.example);
    }
    text += style().Dim("  " + help) + "\n";
    for (const auto& [word, meaning] : question.choices) {
      text += fmt::format("  {:<14} {}\n", word, style().Dim(meaning));
    }
    if (question.optional) {
      text += style().Dim(question.preset ? "  '-' for none." : "  Enter for none.") + "\n";
    }
    Say(text);
  }

  // False: it must be asked again.
  bool AskOnce(const Question& question) {
    // A pasted endpoint may have changed what is proposed.
    const auto now = dialogue_->Next();
    const auto& preset = now ? now->preset : question.preset;
    const std::string prompt =
        preset && !preset->empty() && !question.secret
            ? fmt::format("{} > ", style().Dim(fmt::format("[{}]", Printable(*preset))))
            : "> ";
    auto line = reader_.Read(question.secret, [&] { Say(prompt); });
    if (!line) {
      Say("\n");
      throw Bad("answers", "the input ended before all was answered; nothing was written",
                "Begin again, or give the answers as flags: sluice init --help");
    }
    const Reply reply = question.secret ? dialogue_->AnswerSecret(base::Secret(std::move(*line)))
                                        : dialogue_->Answer(question.info.field, *line);
    if (reply.accepted) {
      if (!reply.text.empty()) Say(style().Yellow("  " + Printable(reply.text)) + "\n");
      return true;
    }
    Say(fmt::format("{}\n{}\n", style().Red("  " + Printable(reply.text)),
                    Indent(reply.remedy, "  ")));
    return false;
  }

  // -- files -----------------------------------------------------------------------------------

  std::string Of(Field field) const {
    const auto found = dialogue_->answers().find(field);
    return found == dialogue_->answers().end() ? "" : found->second;
  }

  fs::path SecretFile() const {
    return file_.parent_path() / fmt::format("{}.secret", Of(Field::kName));
  }

  // What stands in the configuration instead of the key.
  std::string SecretReference() const {
    const std::string store = Of(Field::kSecretStore);
    if (store == "environment") return fmt::format("${{{}}}", kSecretVariable);
    if (store != "file") return "";
    if (flags_.secret_file.empty()) return fmt::format("${{file:{}.secret}}", Of(Field::kName));
    return fmt::format("${{file:{}}}", fs::absolute(flags_.secret_file).string());
  }

  std::string Compose(const std::string& secret) const {
    if (!existing_) return NewFile(dialogue_->answers(), flags_.extras, secret);
    return config::EditYaml(text_, ChangesOf(text_, dialogue_->answers(), flags_.extras, secret));
  }

  // With a stand-in for the key, which may be nowhere yet.
  void Verify() {
    const std::string reference = SecretReference();
    const auto loaded = config::Parse(Compose(reference.empty() ? "" : std::string(40, 'x')), file_,
                                      context_.environment);
    if (loaded.problems.empty()) return;
    if (!existing_) throw config::ToError(file_, loaded.problems);
    Say(ProblemsScreen(file_, loaded.problems, style()));
  }

  // False: there was nothing to change.
  bool Write() {
    Verify();
    const std::string text = Compose(SecretReference());
    if (existing_ && text == text_) return false;
    const bool own_secret = Of(Field::kSecretStore) == "file" && flags_.secret_file.empty();
    if (own_secret) {
      WriteWhole(SecretFile(), dialogue_->secret().Reveal() + "\n", kOwnerOnly);
    }
    struct stat before {};
    const fs::path target = existing_ ? fs::canonical(file_) : file_;
    const bool known = existing_ && stat(target.c_str(), &before) == 0;
    WriteWhole(target, text, known ? before.st_mode & 07777U : kReadable);
    return true;
  }

  // -- the end ---------------------------------------------------------------------------------

  bool NeedsVariable() const {
    return Of(Field::kSecretStore) == "environment" && !context_.environment(kSecretVariable);
  }

  std::string CommandText(std::string_view words) const {
    return file_ == "sluice.yaml" ? fmt::format("sluice {}", words)
                                  : fmt::format("sluice -c {} {}", file_.string(), words);
  }

  void Tell(bool written) {
    const bool own_secret = Of(Field::kSecretStore) == "file" && flags_.secret_file.empty();
    if (context_.line.json) {
      if (flags_.check) return;  // one document: the check's
      const nlohmann::ordered_json json = {
          {"sluice", SLUICE_VERSION},
          {"command", "init"},
          {"exit_code", kDone},
          {"error", nullptr},
          {"file", file_.string()},
          {"written", written},
          {"secret_file", own_secret ? nlohmann::ordered_json(SecretFile().string()) : nullptr},
          {"variables", NeedsVariable() ? nlohmann::ordered_json({kSecretVariable})
                                        : nlohmann::ordered_json::array()}};
      context_.out(json.dump(2) + "\n");
      return;
    }
    std::string text = written ? fmt::format("\n{} {}\n", style().Green("Wrote"), file_.string())
                               : fmt::format("\n{} says so already.\n", file_.string());
    if (written && own_secret) {
      text += fmt::format("{} {}, which only you may read\n", style().Green("Wrote"),
                          SecretFile().string());
    }
    if (NeedsVariable()) {
      text += fmt::format(
          "\nThe secret access key is read from the environment. Set it before you go on:\n"
          "  read -rs {0} && export {0}\n",
          kSecretVariable);
    }
    text += "\nNext:\n";
    const std::vector<std::pair<std::string_view, std::string_view>> next = {
        {"setup", "what an administrator runs, if it has not been done"},
        {"check", "is everything right?"},
        {"discover", "what is there to bring over?"},
        {"sync", "bring it over"}};
    for (const auto& [command, meaning] : next) {
      text += fmt::format("  {:<30} {}\n", CommandText(command), style().Dim(meaning));
    }
    Say(text);
  }

  bool WantsCheck() {
    if (flags_.check) return true;
    if (flags_.non_interactive || context_.line.json || NeedsVariable()) return false;
    Say(fmt::format("\n{} [Y/n] > ", style().Bold("Run the check now?")));
    const auto line = reader_.Read();
    if (!line) {
      Say("\n");
      return false;
    }
    return line->empty() || line->front() == 'y' || line->front() == 'Y';
  }

  const Context& context_;
  const InitFlags& flags_;
  const fs::path file_;
  LineReader reader_;
  bool existing_ = false;
  std::string text_;  // of the existing file
  std::optional<Dialogue> dialogue_;
};

}  // namespace

InitResult RunInit(const Context& context) { return Init(context).Run(); }

}  // namespace sluice::cli
