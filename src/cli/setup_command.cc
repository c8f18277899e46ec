#include "cli/setup_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "connection/connection.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "setup/placeholders.h"

namespace sluice::cli {
namespace {

void AddPlaceholderNotes(const std::string& text, connection::SetupFacts& made) {
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

int PrintPart(const Context& context, const std::vector<setup::Part>& parts,
              connection::SetupFacts made) {
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const setup::Part& one) {
    return one.word == context.line.setup.part;
  });
  context.out(part->text);
  if (part->text.empty()) made.notes.emplace_back(WhyEmpty(part->word, made.facts));
  AddPlaceholderNotes(part->text, made);
  for (const auto& note : made.notes) {
    context.screen.PrintLine(context.log_style.Yellow("note") + ": " + base::Printable(note));
  }
  return contract::kDone;
}

}  // namespace

std::string SetupScreen(const std::vector<setup::Part>& parts, const setup::Facts& facts,
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

int RunSetup(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const auto made =
      connection::FindSetupFacts(connection.SetupQuestions(), config, connection.WorkgroupRegion(),
                                 context.line.setup, context.stop);
  const auto parts = setup::Parts(made.facts);
  if (context.line.json) {
    context.out(contract::SetupJson(parts, made));
    return contract::kDone;
  }
  if (!context.line.setup.part.empty()) return PrintPart(context, parts, made);
  for (const auto& note : made.notes) {
    context.screen.PrintLine(context.log_style.Yellow("note") + ": " + base::Printable(note));
  }
  context.out(SetupScreen(parts, made.facts, context.out_style));
  return contract::kDone;
}

}  // namespace sluice::cli
