// `sluice completion` and `sluice man`: the command line, told to shells and to man(1).
#include "cli/command_table.h"
#include "cli/grammar.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kCompletionFooter = R"(
Examples:
  source <(sluice completion bash)            in ~/.bashrc
  source <(sluice completion zsh)             in ~/.zshrc, after compinit
  sluice completion fish | source             in ~/.config/fish/config.fish)";

constexpr std::string_view kManFooter = R"(
Examples:
  man <(sluice man)
  sluice man > /usr/local/share/man/man1/sluice.1)";

void AddShell(Options& options, CommandLine& line) {
  options.Add("SHELL", line.shell, "Which shell").Required().OneOf({"bash", "zsh", "fish"});
}

std::optional<int> PrintCompletion(const Context& context) {
  const CommandSpec program = DescribeGrammar();
  const std::string& shell = context.line.shell;
  context.out(shell == "bash"  ? BashCompletion(program)
              : shell == "zsh" ? ZshCompletion(program)
                               : FishCompletion(program));
  return contract::kDone;
}

std::optional<int> PrintManual(const Context& context) {
  context.out(ManualPage(DescribeGrammar(), SLUICE_VERSION));
  return contract::kDone;
}

}  // namespace

const CommandRow kCompletionCommand = {
    .name = "completion",
    .description = "Print the script that completes commands in a shell",
    .footer = kCompletionFooter,
    .command = Command::kCompletion,
    .add_options = AddShell,
    .before = PrintCompletion};

const CommandRow kManCommand = {.name = "man",
                                .description = "Print the manual page",
                                .footer = kManFooter,
                                .command = Command::kMan,
                                .before = PrintManual};

}  // namespace sluice::cli
