#include "cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "base/printable.h"
#include "cli/arguments.h"
#include "cli/command_table.h"
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

  // CLI11 keeps what an option excludes by address: its order changes from run to run.
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = CLI::Formatter::make_option_opts(option);
    const auto excludes = option->get_excludes();
    if (excludes.empty()) return text;
    std::vector<std::string> names;
    for (const CLI::Option* other : excludes) names.push_back(other->get_name());
    std::sort(names.begin(), names.end());
    const std::string label = get_label("Excludes") + ":";
    return fmt::format("{}{} {}", text.substr(0, text.find(label)), label, fmt::join(names, " "));
  }
};

// The switches may stand before or behind the command.
void AddShared(CLI::App& app, CommandLine& line) {
  app.add_option("-c,--config", line.config,
                 "The configuration (default sluice.yaml, or "
                 "$SLUICE_CONFIG)")
      ->type_name("FILE");
  app.add_option(
         "--env-file", line.env_file,
         "Variables (NAME=value lines) for ${NAME} and AWS, behind those of the environment")
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
    for (const CommandRow* row : CommandTable()) Add(*row, line);
  }

  void Add(const CommandRow& row, CommandLine& line) {
    const auto space = row.name.rfind(' ');
    CLI::App* parent = &app;
    if (space != std::string_view::npos) {
      const std::string_view group = row.name.substr(0, space);
      parent = app.get_subcommand(std::string(group));
      // "serve" does something by itself, "config" does not.
      parent->require_subcommand(IsCommandName(group) ? 0 : 1, 1);
    }
    CLI::App* sub = parent->add_subcommand(
        std::string(row.name.substr(space == std::string_view::npos ? 0 : space + 1)),
        std::string(row.description));
    sub->fallthrough();
    if (!row.footer.empty()) sub->footer(Footer(row.footer));
    if (row.add_options != nullptr) {
      Options options(*sub);
      row.add_options(options, line);
    }
    if (row.IsCommand()) commands.emplace_back(sub, row.command);
  }

  static bool IsCommandName(std::string_view name) {
    const auto& table = CommandTable();
    return std::any_of(table.begin(), table.end(), [&](const CommandRow* row) {
      return row->name == name && row->IsCommand();
    });
  }

  // The innermost: "serve token" is "serve", too.
  Command Chosen() const {
    for (auto one = commands.rbegin(); one != commands.rend(); ++one) {
      if (one->first->parsed()) return one->second;
    }
    return Command::kCheck;  // not reached: require_subcommand
  }

  CLI::App app{
      "Brings tables from Amazon Redshift Serverless to you: UNLOAD to a staging bucket,\n"
      "parallel download, one transaction at the destination, every row counted.\n"};
  std::vector<std::pair<CLI::App*, Command>> commands;
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

Option& Option::Value(const std::string& name) {
  option_->type_name(name);
  return *this;
}
Option& Option::OneOf(std::vector<std::string> choices) {
  option_->check(CLI::IsMember(std::move(choices)));
  return *this;
}
Option& Option::Range(int low, int high) {
  option_->check(CLI::Range(low, high));
  return *this;
}
Option& Option::Required() {
  option_->required();
  return *this;
}
Option& Option::OneEach() {
  option_->allow_extra_args(false);
  return *this;
}
Option& Option::Excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}
Option& Option::Hidden() {
  option_->group("");
  return *this;
}

Option Options::Switch(const std::string& names, bool& target, const std::string& description) {
  return Option(app_.add_flag(names, target, description));
}
Option Options::Add(const std::string& names, std::string& target, const std::string& description) {
  return Option(app_.add_option(names, target, description));
}
Option Options::Add(const std::string& names, int& target, const std::string& description) {
  return Option(app_.add_option(names, target, description));
}
Option Options::Add(const std::string& names, std::vector<std::string>& target,
                    const std::string& description) {
  return Option(app_.add_option(names, target, description));
}
Option Options::Call(const std::string& names, std::function<void(const std::string&)> take,
                     const std::string& description) {
  return Option(app_.add_option_function<std::string>(names, take, description));
}
Option Options::CallWithAll(const std::string& names,
                            std::function<void(const std::vector<std::string>&)> take,
                            const std::string& description) {
  return Option(app_.add_option_function<std::vector<std::string>>(names, take, description));
}
void Options::AddEvents(std::string& target) {
  Add("--events", target,
      "What happens, as lines of JSON, to an open descriptor (a number) or a file")
      .Value("FD|FILE");
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
    return "There is one argument too many.";
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
