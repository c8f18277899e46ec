#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "base/printable.h"
#include "cli/arguments.h"
#include "cli/grammar.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kMainFooter = R"(
Begin with:
  sluice init                 write the configuration
  sluice setup                what an administrator runs once
  sluice config validate      is the configuration right?
  sluice check                is everything around it right?
  sluice discover             what is there to bring over?
  sluice sync                 bring it over

Exit codes: 0 done, 1 failed, 2 bad use or configuration, 3 some streams failed,
130 interrupted. The result goes to standard output, the log to standard error.)";

constexpr std::string_view kCheckFooter = R"(
It logs in, reads no rows, and leaves nothing in the bucket.

Examples:
  sluice check
  sluice -c acme.yaml check --json | jq '.findings[] | select(.severity == "failure")')";

constexpr std::string_view kDiscoverFooter = R"(
Examples:
  sluice discover                 all schemas that the user may see
  sluice discover sales           one of them
  sluice discover --json | jq -r '.schemas[].tables[].name')";

constexpr std::string_view kSyncFooter = R"(
A stream's rows appear at the destination all at once, after every count agreed; a failing
stream leaves its table as it was and does not stop the others.

Ctrl-C stops gracefully: UNLOADs are cancelled and the bucket is cleaned. A second Ctrl-C
stops at once; the next sync then removes what was left.

Examples:
  sluice sync                              all streams
  sluice sync sales.orders big_spenders    these two
  sluice sync --dry-run                    what would be done, and with which SELECT
  sluice sync sales.orders --full          from the beginning, not from the watermark
  sluice sync --json > result.json         for programs (docs/CLI_JSON.md))";

constexpr std::string_view kCompletionFooter = R"(
Examples:
  source <(sluice completion bash)            in ~/.bashrc
  source <(sluice completion zsh)             in ~/.zshrc, after compinit
  sluice completion fish | source             in ~/.config/fish/config.fish)";

constexpr std::string_view kManFooter = R"(
Examples:
  man <(sluice man)
  sluice man > /usr/local/share/man/man1/sluice.1)";

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

constexpr std::string_view kSetupFooter = R"(
Parts, in the order of the set-up guide:
  network      inbound rule of the workgroup's security group (shell commands)
  sql          database user and grants (SQL)
  bucket       lifecycle rule, and policy if accounts differ (shell commands)
  iam          permission policy of the role or user (JSON)
  trust        trust policy of the role (JSON)
  tag          tag of the role or user, where the pattern needs one (shell commands)
  unload-role  role that Redshift writes with, if staging.unload_role (shell commands)
  terraform    all of it as one file (HCL)

Examples:
  sluice setup                        all parts, with who runs what
  sluice setup sql > user.sql
  sluice setup iam --offline --workgroup-id 1a2b3c4d-0000-0000-0000-000000000000
  sluice setup sql --pattern C --db-role sluice_read)";

constexpr std::string_view kStatusFooter = R"(
It reads the ledger beside the configuration and contacts nobody.

Examples:
  sluice status
  sluice status --json | jq '.streams[] | {stream, watermark}')";

constexpr std::string_view kHistoryFooter = R"(
Examples:
  sluice history
  sluice history -n 3 --json)";

constexpr std::string_view kCleanFooter = R"(
Every sync does the same at its start. Only objects beneath this connection's own prefix are
touched. --all is for a bucket whose ledger was lost: no other machine may sync meanwhile.

Examples:
  sluice clean
  sluice clean --all)";

constexpr std::string_view kResetFooter = R"(
The next sync reads these streams from the beginning and puts their tables right.

Example:
  sluice reset sales.orders)";

constexpr std::string_view kConfigFooter = R"(
Examples:
  sluice config validate
  sluice -c acme.yaml config validate
  sluice config schema > sluice.schema.json)";

std::string Footer(std::string_view text) { return std::string(text.substr(1)); }

// Every help tells the options that all commands take.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_footer(const CLI::App* app) const override {
    const std::string footer = CLI::Formatter::make_footer(app);
    const CLI::App* program = app;
    while (program->get_parent() != nullptr) program = program->get_parent();
    if (program == app) return footer;
    std::string text = "\nOptions of every command:\n";
    for (const CLI::Option* option : program->get_options({})) {
      if (option->check_lname("version") || option->check_lname("help")) continue;
      text += make_option(option, /*is_positional=*/false);
    }
    return footer.empty() ? text : text + "\n" + footer;
  }
};

// The switches may stand before or behind the command.
void AddShared(CLI::App& app, CommandLine& line) {
  app.add_option("-c,--config", line.config,
                 "The configuration (default sluice.yaml, or "
                 "$SLUICE_CONFIG)")
      ->type_name("FILE");
  app.add_flag("--json", line.json, "The result as JSON, for programs (docs/CLI_JSON.md)");
  auto* quiet = app.add_flag("-q,--quiet", line.quiet, "No progress, and warnings only");
  app.add_flag("-v,--verbose", line.verbose, "Log what happens inside")->excludes(quiet);
  app.add_flag("--no-color", line.no_color, "No colours, as if NO_COLOR were set");
}

struct Grammar {
  explicit Grammar(CommandLine& line) {
    app.name("sluice");
    app.set_version_flag("--version", "sluice " SLUICE_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(Footer(kMainFooter));
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->column_width(34);
    app.formatter(formatter);
    AddShared(app, line);
    AddInit(line.init);
    AddSetup(line.setup);
    check = Sub(app, "check", "Prove every step of the set-up guide, and tell how to mend the rest",
                kCheckFooter);
    // For docs/TROUBLESHOOTING.md; no help of it, because people read that page.
    check->add_flag("--list-findings", line.list_findings)->group("");
    discover = Sub(app, "discover", "List schemas, tables, columns and keys that can be read",
                   kDiscoverFooter);
    discover->add_option("SCHEMA", line.schemas, "Only these schemas");
    sync = Sub(app, "sync", "Bring streams to the destination, every row counted", kSyncFooter);
    sync->add_option("STREAM", line.streams, "Only these streams, by name");
    sync->add_flag("--dry-run", line.dry_run, "Tell what would be done; read no rows");
    sync->add_flag("--full", line.full, "Read everything, whatever was read before");
    sync->add_flag("--allow-deletes", line.allow_deletes,
                   "However many rows are gone at the source, delete them");
    AddRecords(line);
    config = Sub(app, "config", "Look at the configuration; contacts nobody", kConfigFooter);
    config->require_subcommand(1);
    validate = Sub(*config, "validate", "Is it right? Tells all problems at once", "");
    AddShells(line);
    schema = Sub(*config, "schema", "Print the JSON Schema of sluice.yaml, for editors", "");
    // Both are put right before the parser sees them (arguments.h); here they are for the help.
    Sub(app, "help", "Tell what a command does, as COMMAND --help does", "");
    Sub(app, "version", "Print the version", "");
  }

  void AddShells(CommandLine& line) {
    completion = Sub(app, "completion", "Print the script that completes commands in a shell",
                     kCompletionFooter);
    completion->add_option("SHELL", line.shell, "Which shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    man = Sub(app, "man", "Print the manual page", kManFooter);
  }

  void AddInit(InitFlags& flags) {
    init = Sub(app, "init", "Write the configuration, asking what the set-up guide's form asks",
               kInitFooter);
    for (int i = 0; i <= static_cast<int>(init::Field::kDestinationPath); ++i) {
      const auto field = static_cast<init::Field>(i);
      if (field == init::Field::kSecret) continue;
      AddAnswer(flags, field);
    }
    init->add_option_function<std::vector<std::string>>(
            "--table", [&flags](const std::vector<std::string>& tables) { flags.tables = tables; },
            "A table to bring over, schema.table; again for more")
        ->type_name("TABLE")
        ->allow_extra_args(false);
    init->add_option("--secret-access-key-file", flags.secret_file,
                     "File that holds the secret access key; it is read from there ever after")
        ->type_name("PATH");
    init->add_flag("--default-chain", flags.default_chain,
                   "Log in with what AWS's standard chain finds, as it is");
    init->add_option("--root", flags.extras.root, "Folder in the bucket (default sluice/)")
        ->type_name("PREFIX");
    init->add_option("--sslrootcert", flags.extras.ssl_root_cert,
                     "PEM file of the authorities to trust for the database")
        ->type_name("PATH");
    init->add_flag("--non-interactive", flags.non_interactive,
                   "Ask nothing; what is missing is told at once");
    auto* force =
        init->add_flag("--force", flags.force, "Begin anew, replacing a file that is there");
    init->add_flag("--edit", flags.edit, "Change a file that is there, keeping its comments")
        ->excludes(force);
    init->add_flag("--check", flags.check, "Run the check afterwards");
  }

  void AddAnswer(InitFlags& flags, init::Field field) {
    const init::FieldInfo& info = init::InfoOf(field);
    auto* option = init->add_option_function<std::string>(
        std::string(info.flag),
        [&flags, field](const std::string& value) { flags.given[field] = value; },
        std::string(info.title));
    option->type_name(field == init::Field::kRoleArn ? "ARN" : "VALUE");
    if (field == init::Field::kHost) option->description("Host, or the whole endpoint in any form");
    if (field == init::Field::kAuth) {
      option->check(CLI::IsMember({"role", "keys", "profile", "default_chain"}));
    }
    if (field == init::Field::kSecretStore) option->check(CLI::IsMember({"environment", "file"}));
  }

  void AddRecords(CommandLine& line) {
    status = Sub(app, "status", "How far each stream is, who syncs now, what is left to clean",
                 kStatusFooter);
    history = Sub(app, "history", "What the last syncs did", kHistoryFooter);
    history->add_option("-n,--runs", line.runs_max, "So many runs (default 20)")
        ->type_name("NUMBER")
        ->check(CLI::Range(1, 10000));
    clean = Sub(app, "clean", "Remove what dead syncs left in the bucket", kCleanFooter);
    clean->add_flag("--all", line.everything,
                    "Also what this machine's ledger does not know, however young");
    reset = Sub(app, "reset", "Forget how far streams were read; their rows stay", kResetFooter);
    reset->add_option("STREAM", line.streams, "These streams, by name")->required();
  }

  void AddSetup(connection::SetupFlags& flags) {
    setup = Sub(app, "setup", "Print what the administrator runs; apply nothing", kSetupFooter);
    setup->add_option("PART", flags.part, "One part alone, as it can be applied")
        ->check(CLI::IsMember(
            {"network", "sql", "bucket", "iam", "trust", "tag", "unload-role", "terraform"}));
    setup->add_flag("--offline", flags.offline, "Ask AWS nothing; what is not known is marked");
    setup
        ->add_option("--pattern", flags.pattern,
                     "How the database user comes about: A named after the AWS identity, B named "
                     "by a tag, C roles by a tag, D named by GetClusterCredentials (default: as "
                     "the configuration has it)")
        ->check(CLI::IsMember({"A", "B", "C", "D"}));
    setup->add_option("--db-role", flags.db_roles, "Pattern C: the database role to read with")
        ->type_name("NAME")
        ->allow_extra_args(false);
    setup->add_option("--owner", flags.owners, "Future tables of this user are readable, too")
        ->type_name("USER")
        ->allow_extra_args(false);
    setup->add_flag("--only-streams", flags.only_streams,
                    "Grant the streams' tables alone, not all tables of their schemas");
    setup
        ->add_option("--workgroup-id", flags.workgroup_id,
                     "The workgroup's id, if AWS may not be asked")
        ->type_name("UUID");
    setup->add_option("--address", flags.address, "Public address that Sluice connects from")
        ->type_name("IP");
    setup
        ->add_option("--bucket-account", flags.bucket_account,
                     "Account of the bucket, if it is another")
        ->type_name("ID");
  }

  static CLI::App* Sub(CLI::App& parent, const std::string& name, const std::string& what,
                       std::string_view footer) {
    CLI::App* sub = parent.add_subcommand(name, what);
    sub->fallthrough();
    if (!footer.empty()) sub->footer(Footer(footer));
    return sub;
  }

  Command Chosen() const {
    if (check->parsed()) return Command::kCheck;
    if (discover->parsed()) return Command::kDiscover;
    if (sync->parsed()) return Command::kSync;
    if (setup->parsed()) return Command::kSetup;
    if (init->parsed()) return Command::kInit;
    if (completion->parsed()) return Command::kCompletion;
    if (man->parsed()) return Command::kMan;
    if (status->parsed()) return Command::kStatus;
    if (history->parsed()) return Command::kHistory;
    if (clean->parsed()) return Command::kClean;
    if (reset->parsed()) return Command::kReset;
    return validate->parsed() ? Command::kConfigValidate : Command::kConfigSchema;
  }

  CLI::App app{
      "Brings tables from Amazon Redshift Serverless to you: UNLOAD to a staging bucket,\n"
      "parallel download, one transaction at the destination, every row counted.\n"};
  CLI::App* check = nullptr;
  CLI::App* discover = nullptr;
  CLI::App* sync = nullptr;
  CLI::App* config = nullptr;
  CLI::App* setup = nullptr;
  CLI::App* init = nullptr;
  CLI::App* completion = nullptr;
  CLI::App* man = nullptr;
  CLI::App* status = nullptr;
  CLI::App* history = nullptr;
  CLI::App* clean = nullptr;
  CLI::App* reset = nullptr;
  CLI::App* validate = nullptr;
  CLI::App* schema = nullptr;
};

// "TEXT:{a,b}" -> the choices; what CLI11 shows is all that it tells.
std::vector<std::string> ChoicesOf(const std::string& type) {
  std::vector<std::string> choices;
  const auto open = type.find('{');
  const auto close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::istringstream list(type.substr(open + 1, close - open - 1));
  for (std::string choice; std::getline(list, choice, ',');) choices.push_back(choice);
  return choices;
}

OptionSpec Describe(const CLI::Option& option) {
  OptionSpec spec{.names = {}, .value = {}, .choices = {}, .description = option.get_description()};
  for (const auto& name : option.get_snames()) spec.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) spec.names.push_back("--" + name);
  if (option.get_positional()) spec.names = {option.get_name(true)};
  if (option.get_items_expected_max() == 0) return spec;
  const std::string type = option.get_type_name();
  spec.choices = ChoicesOf(type);
  spec.value = spec.choices.empty() ? type : "CHOICE";
  return spec;
}

CommandSpec Describe(const CLI::App& app) {
  CommandSpec spec{.name = app.get_name(),
                   .description = app.get_description(),
                   .footer = app.get_footer(),
                   .options = {},
                   .positionals = {},
                   .commands = {}};
  for (const CLI::Option* option : app.get_options({})) {
    (option->get_positional() ? spec.positionals : spec.options).push_back(Describe(*option));
  }
  for (const CLI::App* sub : app.get_subcommands({})) {
    // Hidden ones have no group.
    if (!sub->get_group().empty()) spec.commands.push_back(Describe(*sub));
  }
  return spec;
}

}  // namespace

CommandSpec DescribeGrammar() {
  CommandLine line;
  return Describe(Grammar(line).app);
}

std::string_view CommandName(Command command) {
  switch (command) {
    case Command::kCheck: return "check";
    case Command::kDiscover: return "discover";
    case Command::kSync: return "sync";
    case Command::kConfigValidate: return "config validate";
    case Command::kConfigSchema: return "config schema";
    case Command::kSetup: return "setup";
    case Command::kInit: return "init";
    case Command::kCompletion: return "completion";
    case Command::kMan: return "man";
    case Command::kStatus: return "status";
    case Command::kHistory: return "history";
    case Command::kClean: return "clean";
    case Command::kReset: return "reset";
  }
  return "check";
}

namespace {

Parsed Misuse(const std::string& problem) {
  return {.text = fmt::format("{}\nHow it is used: sluice --help, sluice COMMAND --help\n",
                              base::Printable(problem)),
          .exit_code = contract::kBadUse};
}

// CLI11 repeats what was typed where it is none of the choices or no number: "--auth: x not in
// {...}".
std::string WithoutValues(const CLI::ParseError& error) {
  const std::string text = error.what();
  const auto colon = text.find(": ");
  for (const std::string_view mark : {" not in ", " is not in "}) {
    const auto at = text.find(mark);
    if (colon == std::string::npos || at == std::string::npos || at < colon) continue;
    std::string choices = text.substr(at + mark.size());
    for (const std::string_view type : {"{", "}"}) std::erase(choices, type.front());
    const bool range = choices.starts_with("range");
    return fmt::format("{} is {} {}.", text.substr(0, colon), range ? "not in the" : "none of",
                       choices);
  }
  if (dynamic_cast<const CLI::ValidationError*>(&error) != nullptr ||
      dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    return text.substr(0, colon) + " is not a good value.";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return "There is an argument too much.";
  return text;
}

}  // namespace

Parsed ParseCommandLine(const std::vector<std::string>& arguments,
                        const config::Environment& environment) {
  CommandLine line;
  if (const auto file = environment("SLUICE_CONFIG"); file && !file->empty()) line.config = *file;
  // https://no-color.org: set and not empty.
  if (const auto value = environment("NO_COLOR"); value && !value->empty()) line.no_color = true;
  Grammar grammar(line);
  const Arguments right = PutRight(Describe(grammar.app), arguments);
  if (!right.problem.empty()) return Misuse(right.problem);
  // CLI11 takes them from the back.
  std::vector<std::string> reversed(right.words.rbegin(), right.words.rend());
  try {
    grammar.app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    if (grammar.app.exit(error, out, err) == 0)
      return {.text = out.str(), .exit_code = contract::kDone};
    return Misuse(WithoutValues(error));
  }
  line.command = grammar.Chosen();
  return {.line = std::move(line)};
}

}  // namespace sluice::cli
