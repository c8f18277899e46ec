#include "cli/init_command.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/small_file.h"
#include "cli/command_table.h"
#include "cli/line_reader.h"
#include "cli/process.h"
#include "cli/screens.h"
#include "config/edit.h"
#include "config/rules.h"
#include "config/yaml_tree.h"
#include "connection/host_rules.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "init/whole_file.h"
#include "redshift/endpoint.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSecretVariable = "SLUICE_SECRET_ACCESS_KEY";
constexpr unsigned kOwnerOnly = 0600;
constexpr unsigned kReadable = 0644;

constexpr std::string_view kIntroduction =
    "A few questions, in the order of the set-up guide, then a configuration is written.\n"
    "Enter takes what stands in [brackets]. Nothing is written before the last answer.\n";

constexpr std::string_view kInitFooter = R"(
Without flags it asks, one question after the other. A file that is there is changed, and keeps
its comments. A secret is never an argument: it is read from the environment, from a file, or typed
unseen.

Examples:
  sluice init
  sluice -c acme.yaml init
  sluice init --non-interactive --name acme --bucket acme-sluice-staging \
    --host analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev \
    --role-arn arn:aws:iam::123456789012:role/sluice-reader --table sales.orders --check)";

base::Error Bad(std::string subject, std::string message, std::string remedy) {
  return base::Error({.code = base::ErrorCode::kInvalidConfig,
                      .operation = "init",
                      .subject = std::move(subject),
                      .message = std::move(message),
                      .remedy = std::move(remedy)});
}

std::string ReadFile(const fs::path& file) {
  base::SmallFile in = base::ReadSmallFile(file.string(), config::kFileBytesMax);
  if (!in.problem.empty()) {
    throw Bad(file.string(), "it " + in.problem, "Check its name and its rights.");
  }
  return std::move(in.text);
}

bool IsBlank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

class Init {
 public:
  explicit Init(const Context& context)
      : context_(context),
        flags_(context.line.init),
        file_(context.line.config),
        reader_(STDIN_FILENO, context.stop) {}

  // True: the check is to run now.
  bool Run() {
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
    return WantsCheck();
  }

 private:
  const Style& style() const { return context_.log_style; }
  void Say(std::string_view text) { WriteAll(STDERR_FILENO, base::Guarded(text)); }

  // -- what is there ---------------------------------------------------------------------------

  void LookAtFile() {
    if (fs::is_directory(file_)) {
      throw Bad(file_.string(), "it is a folder, not a file",
                fmt::format("Name the file in it: sluice -c {} init",
                            (file_ / "sluice.yaml").lexically_normal().string()));
    }
    if (flags_.force) return;
    if (!fs::exists(file_)) return RefuseSecondSpelling();
    if (IsBlank(ReadFile(file_))) return;  // as if it were not there
    if (flags_.non_interactive && !flags_.edit) {
      throw Bad(file_.string(), "it exists already",
                "--edit changes in it what flags tell and keeps the rest; --force begins with a "
                "new file; "
                "--config names another.");
    }
    text_ = ReadFile(file_);
    const auto problems = config::ParseYaml(text_).problems;
    if (!problems.empty()) {
      throw Bad(config::Place(file_, problems.front()),
                "the file that is there is not YAML: it " + problems.front().problem,
                problems.front().remedy + "\nOr begin with a new file: sluice init --force");
    }
    existing_ = true;
  }

  // Two files of one connection would drift apart.
  void RefuseSecondSpelling() const {
    fs::path other = file_;
    other.replace_extension(file_.extension() == ".yaml" ? ".yml" : ".yaml");
    if (other == file_ || !fs::exists(other)) return;
    throw Bad(file_.string(), fmt::format("there is {} beside it", other.string()),
              fmt::format("Change that one: sluice -c {} init\nOr write this one anyway: "
                          "sluice init --force",
                          other.string()));
  }

  init::Dialogue::Options Options() const {
    init::Dialogue::Options options;
    options.existing = existing_;
    if (existing_) {
      const init::Present present = init::ReadPresent(text_);
      options.presets = present.answers;
      options.has_secret = present.has_secret;
      options.has_destination = present.has_destination;
    }
    options.aws_region = context_.environment("AWS_REGION");
    if (!options.aws_region) options.aws_region = context_.environment("AWS_DEFAULT_REGION");
    options.references = {.environment = context_.environment, .folder = file_.parent_path()};
    options.pasted = !flags_.non_interactive;
    return options;
  }

  // -- answers ---------------------------------------------------------------------------------

  // Flags answer first; the host before all, because it tells so much.
  void TakeFlags() {
    init::Answers given = flags_.given;
    std::string problems = ChooseAuth(given) + OtherPort(given) + TakeTables(given);
    const auto take = [&](init::Field field, const std::string& text) {
      const init::Reply reply = dialogue_->Answer(field, text);
      const std::string_view flag = init::InfoOf(field).flag;
      if (!reply.accepted) {
        problems += fmt::format("{}: {}\n{}\n", flag, reply.text,
                                Indent(base::PrintableRemedy(reply.remedy), "  "));
      } else if (!reply.text.empty()) {
        Say(fmt::format("{}: {}: {}\n", style().Yellow("note"), flag, reply.text));
      }
    };
    if (given.contains(init::Field::kHost)) take(init::Field::kHost, given[init::Field::kHost]);
    for (const auto& [field, text] : given) {
      if (field != init::Field::kHost) take(field, text);
    }
    if (!flags_.secret_file.empty()) {
      std::string secret = ReadFile(flags_.secret_file);
      while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
      dialogue_->Answer(init::Field::kSecretStore, "file");
      const init::Reply reply = dialogue_->AnswerSecret(base::Secret(std::move(secret)));
      if (!reply.accepted) {
        problems += fmt::format("--secret-access-key-file: {}\n  {}\n", reply.text, reply.remedy);
      }
    }
    if (problems.empty()) return;
    problems.pop_back();
    throw Bad("flags", "some answers are not good", problems);
  }

  // The way to log in that the flags tell; what they tell twice is a problem, as in the file.
  std::string ChooseAuth(init::Answers& given) const {
    std::vector<std::pair<std::string_view, std::string_view>> ways;  // flag, way
    for (const auto& [field, way] :
         {std::pair{init::Field::kRoleArn, "role"}, std::pair{init::Field::kAccessKeyId, "keys"},
          std::pair{init::Field::kProfile, "profile"}}) {
      if (given.contains(field)) ways.emplace_back(init::InfoOf(field).flag, way);
    }
    if (flags_.default_chain) ways.emplace_back("--default-chain", "default_chain");
    if (given.contains(init::Field::kAuth)) ways.emplace_back("--auth", given[init::Field::kAuth]);
    for (std::size_t i = 1; i < ways.size(); ++i) {
      if (ways[i].second == ways[0].second) continue;
      return fmt::format(
          "{} and {}: they name more than one way to log in\n  Give exactly one: a "
          "role, keys, a profile or --default-chain.\n",
          ways[0].first, ways[i].first);
    }
    if (!ways.empty()) given[init::Field::kAuth] = ways[0].second;
    return WithoutItsWay(given);
  }

  std::string WithoutItsWay(const init::Answers& given) const {
    const auto chosen = given.find(init::Field::kAuth);
    const std::string way = chosen != given.end()
                                ? chosen->second
                                : (existing_ ? PresetOf(init::Field::kAuth) : std::string("role"));
    std::string problems;
    if (given.contains(init::Field::kExternalId) && way != "role") {
      problems += "--external-id: it stands without a role\n  It belongs to --role-arn.\n";
    }
    const bool secret = given.contains(init::Field::kSecretStore) || !flags_.secret_file.empty();
    if (secret && way != "keys") {
      problems +=
          fmt::format("{}: it stands without keys\n  It belongs to --access-key-id.\n",
                      flags_.secret_file.empty() ? "--secret-store" : "--secret-access-key-file");
    }
    return problems;
  }

  std::string PresetOf(init::Field field) const {
    const auto present = init::ReadPresent(text_).answers;
    const auto found = present.find(field);
    return found == present.end() ? "" : found->second;
  }

  // A pasted endpoint brings its port along.
  static std::string OtherPort(const init::Answers& given) {
    const auto host = given.find(init::Field::kHost);
    const auto port = given.find(init::Field::kPort);
    if (host == given.end() || port == given.end()) return "";
    try {
      const auto said = redshift::ParseEndpoint(host->second).port;
      if (!said || std::to_string(*said) == port->second) return "";
      return fmt::format("--port: the host says {}\n  Keep the one that is right.\n", *said);
    } catch (const base::Error&) {
      return "";  // told at the host
    }
  }

  // Each --table is one table, as `table:` would have it.
  std::string TakeTables(init::Answers& given) {
    std::string problems;
    for (const auto& table : flags_.tables) {
      const init::Reply reply = dialogue_->Verdict(init::Field::kTables, table);
      if (reply.accepted) {
        tables_.push_back(table);
      } else {
        problems += fmt::format("--table: {}\n{}\n", reply.text,
                                Indent(base::PrintableRemedy(reply.remedy), "  "));
      }
    }
    // A new file takes them as an answer, in which blanks stand between two.
    if (!existing_ && problems.empty() && !tables_.empty()) {
      std::string& answer = given[init::Field::kTables];
      for (const auto& table : tables_) answer += Quoted(table) + " ";
    }
    return problems;
  }

  static std::string Quoted(const std::string& table) {
    if (table.find_first_of(" ,\t") == std::string::npos) return table;
    const auto name = std::get<model::TableName>(config::ParseTable(table));
    const auto quoted = [](const std::string& part) {
      std::string text = "\"";
      for (const char c : part) text += c == '"' ? "\"\"" : std::string(1, c);
      return text + "\"";
    };
    return quoted(name.schema) + "." + quoted(name.table);
  }

  void TakePresets() {
    std::string missing;
    int count = 0;
    while (const auto question = dialogue_->Next()) {
      const init::Field field = question->info.field;
      if (!question->secret && (question->preset || question->optional)) {
        const init::Reply reply = dialogue_->Answer(field, "");
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

  void Show(const init::Question& question) {
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
  bool AskOnce(const init::Question& question) {
    // A pasted endpoint may have changed what is proposed.
    const auto now = dialogue_->Next();
    const auto& preset = now ? now->preset : question.preset;
    // What the file says may be a secret in the wrong place.
    const init::Field field = question.info.field;
    const bool shown =
        !preset || question.info.key.empty() || dialogue_->Verdict(field, *preset).accepted;
    const std::string prompt =
        preset && !preset->empty() && !question.secret
            ? fmt::format("{} > ",
                          style().Dim(fmt::format(
                              "[{}]", shown ? base::PrintableLine(*preset) : "what stands there")))
            : "> ";
    auto line = reader_.Read(question.secret, [&] { Say(prompt); });
    if (!line) {
      Say("\n");
      throw Bad("answers", "the input ended before all was answered; nothing was written",
                "Begin again, or give the answers as flags: sluice init --help");
    }
    const init::Reply reply = question.secret
                                  ? dialogue_->AnswerSecret(base::Secret(std::move(*line)))
                                  : dialogue_->Answer(question.info.field, *line);
    if (reply.accepted) {
      if (!reply.text.empty()) Say(style().Yellow("  " + base::PrintableLine(reply.text)) + "\n");
      return true;
    }
    Say(fmt::format("{}\n{}\n", style().Red("  " + base::PrintableLine(reply.text)),
                    Indent(base::PrintableRemedy(reply.remedy), "  ")));
    return false;
  }

  // -- files -----------------------------------------------------------------------------------

  std::string Of(init::Field field) const {
    const auto found = dialogue_->answers().find(field);
    return found == dialogue_->answers().end() ? "" : found->second;
  }

  fs::path SecretFile() const {
    return file_.parent_path() / fmt::format("{}.secret", Of(init::Field::kName));
  }

  // What stands in the configuration instead of the key.
  std::string SecretReference() const {
    const std::string store = Of(init::Field::kSecretStore);
    if (store == "environment") return fmt::format("${{{}}}", kSecretVariable);
    if (store != "file") return "";
    if (flags_.secret_file.empty())
      return fmt::format("${{file:{}.secret}}", Of(init::Field::kName));
    return fmt::format("${{file:{}}}", fs::absolute(flags_.secret_file).string());
  }

  std::string Compose(const std::string& secret) const {
    if (!existing_) return init::NewFile(dialogue_->answers(), flags_.extras, secret);
    const auto changes = init::ChangesOf(text_, dialogue_->answers(), flags_.extras, secret);
    return config::AddTables(config::EditYaml(text_, changes), tables_);
  }

  // With a stand-in for the key, which may be nowhere yet. What was wrong in the file before is
  // told and stays; nothing wrong is added.
  void Verify() {
    const std::string reference = SecretReference();
    const auto parse = [&](const std::string& text) {
      return config::Parse(text, file_, context_.environment, connection::EndpointRules()).problems;
    };
    auto problems = parse(Compose(reference.empty() ? "" : std::string(40, 'x')));
    if (problems.empty()) return;
    if (!existing_) throw config::ToError(file_, problems);
    const auto before = parse(text_);
    std::vector<config::Problem> added;
    for (const auto& problem : problems) {
      const bool old = std::any_of(before.begin(), before.end(), [&](const auto& one) {
        return one.field == problem.field && one.problem == problem.problem;
      });
      if (!old) added.push_back(problem);
    }
    if (!added.empty()) throw config::ToError(file_, added);
    Say(ProblemsScreen(file_, problems, style()));
  }

  // False: there was nothing to change.
  bool Write() {
    Verify();
    const std::string text = Compose(SecretReference());
    if (existing_ && text == text_) return false;
    const bool own_secret = Of(init::Field::kSecretStore) == "file" && flags_.secret_file.empty();
    if (own_secret) {
      init::WriteWhole(SecretFile(), dialogue_->secret().Reveal() + "\n", kOwnerOnly);
    }
    struct stat before {};
    const fs::path target = existing_ ? fs::canonical(file_) : file_;
    const bool known = existing_ && stat(target.c_str(), &before) == 0;
    init::WriteWhole(target, text, known ? before.st_mode & 07777U : kReadable);
    return true;
  }

  // -- the end ---------------------------------------------------------------------------------

  bool NeedsVariable() const {
    return Of(init::Field::kSecretStore) == "environment" && !context_.environment(kSecretVariable);
  }

  std::string CommandText(std::string_view words) const {
    return file_ == "sluice.yaml" ? fmt::format("sluice {}", words)
                                  : fmt::format("sluice -c {} {}", file_.string(), words);
  }

  void Tell(bool written) {
    const bool own_secret = Of(init::Field::kSecretStore) == "file" && flags_.secret_file.empty();
    if (context_.line.json) {
      if (flags_.check) return;  // one document: the check's
      contract::InitOutcome outcome{.file = file_.string(), .written = written};
      if (own_secret) outcome.secret_file = SecretFile().string();
      if (NeedsVariable()) outcome.variables = {std::string(kSecretVariable)};
      context_.out(contract::InitJson(outcome));
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
  std::string text_;                 // of the existing file
  std::vector<std::string> tables_;  // of --table
  std::optional<init::Dialogue> dialogue_;
};

void AddAnswer(Options& options, InitFlags& flags, init::Field field) {
  const init::FieldInfo& info = init::InfoOf(field);
  const bool host = field == init::Field::kHost;
  Option option = options.Call(
      std::string(info.flag),
      [&flags, field](const std::string& value) { flags.given[field] = value; },
      host ? "Host, or the whole endpoint in any form" : std::string(info.title));
  option.Value(field == init::Field::kRoleArn ? "ARN" : "VALUE");
  if (field == init::Field::kAuth) option.OneOf({"role", "keys", "profile", "default_chain"});
  if (field == init::Field::kSecretStore) option.OneOf({"environment", "file"});
}

void AddInitOptions(Options& options, CommandLine& line) {
  InitFlags& flags = line.init;
  for (int i = 0; i <= static_cast<int>(init::Field::kDestinationPath); ++i) {
    const auto field = static_cast<init::Field>(i);
    if (field != init::Field::kSecret) AddAnswer(options, flags, field);
  }
  options
      .CallWithAll(
          "--table", [&flags](const std::vector<std::string>& tables) { flags.tables = tables; },
          "A table to bring over, schema.table; again for more")
      .Value("TABLE")
      .OneEach();
  options
      .Add("--secret-access-key-file", flags.secret_file,
           "File that holds the secret access key; it is read from there from then on")
      .Value("PATH");
  options.Switch("--default-chain", flags.default_chain,
                 "Log in with what AWS's standard chain finds, as it is");
  options.Add("--root", flags.extras.root, "Folder in the bucket (default sluice/)")
      .Value("PREFIX");
  options
      .Add("--sslrootcert", flags.extras.ssl_root_cert,
           "PEM file of the authorities to trust for the database")
      .Value("PATH");
  options.Switch("--non-interactive", flags.non_interactive,
                 "Ask nothing; what is missing is told at once");
  const Option force =
      options.Switch("--force", flags.force, "Begin with a new file, replacing one that is there");
  options.Switch("--edit", flags.edit, "Change a file that is there, keeping its comments")
      .Excludes(force);
  options.Switch("--check", flags.check, "Run the check afterwards");
}

// nullopt: the check is to run now.
std::optional<int> WriteConfiguration(const Context& context) {
  RequireOpenFiles();
  if (Init(context).Run()) return std::nullopt;
  return contract::kDone;
}

}  // namespace

const CommandRow kInitCommand = {
    .name = "init",
    .description = "Write the configuration, asking what the set-up guide's form asks",
    .footer = kInitFooter,
    .command = Command::kInit,
    .add_options = AddInitOptions,
    .before = WriteConfiguration,
    .run = RunCheck,
    .runs_as = "check"};

}  // namespace sluice::cli
