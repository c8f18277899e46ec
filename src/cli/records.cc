#include "cli/records.h"

#include "connection/connection.h"
#include "contract/exit_code.h"
#include "contract/record_documents.h"
#include "sync/clean_up.h"
#include "sync/reset.h"

namespace sluice::cli {
int RunStatus(const Context& context, const config::Config& config) {
  const auto history = sync::ReadHistory(connection::LedgerOf(config), 1);
  const auto& bucket = config.staging.bucket;
  const auto now = context.clock.Utc();
  context.out(
      context.line.json
          ? contract::StatusJson(history, connection::StreamsOf(config), bucket, now)
          : StatusScreen(history, connection::StreamsOf(config), bucket, now, context.out_style));
  return contract::kDone;
}

int RunHistory(const Context& context, const config::Config& config) {
  const auto history = sync::ReadHistory(connection::LedgerOf(config), context.line.runs_max);
  context.out(context.line.json ? contract::HistoryJson(history)
                                : HistoryScreen(history, context.out_style));
  return contract::kDone;
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

int RunReset(const Context& context, const config::Config& config) {
  const auto streams = ChooseStreams(connection::StreamsOf(config), context.line.streams);
  connection::Connection connection(config, context.environment, context.clock, context.log);
  std::vector<std::string> names;
  for (const auto& stream : streams) names.push_back(stream.name);
  sync::Reset(
      names, connection::LedgerOf(config), [&] { return connection.OpenDestination(); },
      context.clock, context.stop);
  if (context.line.json) {
    context.out(contract::ResetJson(names));
    return contract::kDone;
  }
  for (const auto& name : names) {
    context.out("The next sync reads " + base::PrintableLine(name) + " from the beginning.\n");
  }
  return contract::kDone;
}

}  // namespace sluice::cli
