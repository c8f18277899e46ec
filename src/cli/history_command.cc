// `sluice history`: the last runs, newest first. Contacts nobody.
#include "cli/command_table.h"
#include "cli/record_screens.h"
#include "connection/connection.h"
#include "contract/exit_code.h"
#include "contract/record_documents.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kHistoryFooter = R"(
Examples:
  sluice history
  sluice history -n 3 --json)";

void AddHistoryOptions(Options& options, CommandLine& line) {
  options.Add("-n,--runs", line.runs_max, "So many runs (default 20)")
      .Value("NUMBER")
      .Range(1, 10000);
}

int RunHistory(const Context& context, const config::Config& config) {
  const auto history = sync::ReadHistory(connection::LedgerOf(config), context.line.runs_max);
  context.out(context.line.json ? contract::HistoryJson(history)
                                : HistoryScreen(history, context.out_style));
  return contract::kDone;
}

}  // namespace

const CommandRow kHistoryCommand = {.name = "history",
                                    .description = "What the last syncs did",
                                    .footer = kHistoryFooter,
                                    .command = Command::kHistory,
                                    .add_options = AddHistoryOptions,
                                    .run = RunHistory};

}  // namespace sluice::cli
