#include "cli/setup_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command_table.h"
#include "connection/connection.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "setup/placeholders.h"

namespace sluice::cli {
namespace {

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

void AddSetupOptions(Options& options, CommandLine& line) {
  connection::SetupFlags& flags = line.setup;
  options.Add("PART", flags.part, "One part alone, as it can be applied")
      .OneOf({"network", "sql", "bucket", "iam", "trust", "tag", "unload-role", "terraform"});
  options.Switch("--offline", flags.offline, "Ask AWS nothing; what is not known is marked");
  options
      .Add("--pattern", flags.pattern,
           "How the database user comes about: A named after the AWS identity, B named by a tag, C "
           "roles by a tag, D named by GetClusterCredentials (default: as the configuration has "
           "it)")
      .OneOf({"A", "B", "C", "D"});
  options.Add("--db-role", flags.db_roles, "Pattern C: the database role to read with")
      .Value("NAME")
      .OneEach();
  options.Add("--owner", flags.owners, "Future tables of this user are readable, too")
      .Value("USER")
      .OneEach();
  options.Switch("--only-streams", flags.only_streams,
                 "Grant the streams' tables alone, not all tables of their schemas");
  options.Add("--workgroup-id", flags.workgroup_id, "The workgroup's id, if AWS may not be asked")
      .Value("UUID");
  options.Add("--address", flags.address, "Public address that Sluice connects from").Value("IP");
  options.Add("--bucket-account", flags.bucket_account, "Account of the bucket, if it is another")
      .Value("ID");
}

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

namespace {

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

}  // namespace

const CommandRow kSetupCommand = {.name = "setup",
                                  .description = "Print what the administrator runs; apply nothing",
                                  .footer = kSetupFooter,
                                  .command = Command::kSetup,
                                  .add_options = AddSetupOptions,
                                  .run = RunSetup};

}  // namespace sluice::cli
