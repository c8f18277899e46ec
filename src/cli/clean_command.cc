// `sluice clean`: removes what dead runs left in the bucket.
#include "cli/command_table.h"
#include "cli/record_screens.h"
#include "connection/connection.h"
#include "contract/exit_code.h"
#include "contract/record_documents.h"
#include "sync/clean_up.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kCleanFooter = R"(
Every sync does the same at its start. Only objects beneath this connection's own prefix are
touched. --all is for a bucket whose ledger was lost: no other machine may sync meanwhile.

Examples:
  sluice clean
  sluice clean --all)";

void AddCleanOptions(Options& options, CommandLine& line) {
  options.Switch("--all", line.everything,
                 "Also what this machine's ledger does not know, however young");
  options.AddEvents(line.events);
}

int RunClean(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const auto cleaned = sync::CleanUp({.connection = config.name,
                                      .bucket = config.staging.bucket,
                                      .root = config.staging.root,
                                      .ledger = connection::LedgerOf(config),
                                      .everything = context.line.everything},
                                     connection.Store(), context.clock, context.stop);
  context.out(context.line.json
                  ? contract::CleanJson(cleaned)
                  : CleanScreen(cleaned, connection.StagingRoot(), context.out_style));
  return cleaned.error || !cleaned.left_behind.empty() ? contract::kFailed : contract::kDone;
}

}  // namespace

const CommandRow kCleanCommand = {.name = "clean",
                                  .description = "Remove what dead syncs left in the bucket",
                                  .footer = kCleanFooter,
                                  .command = Command::kClean,
                                  .add_options = AddCleanOptions,
                                  .run = RunClean};

}  // namespace sluice::cli
