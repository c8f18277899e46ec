// `sluice reset`: forgets how far streams were read, so that the next sync reads everything.
#include "base/printable.h"
#include "cli/choose_streams.h"
#include "cli/command_table.h"
#include "connection/chosen_streams.h"
#include "connection/connection.h"
#include "contract/exit_code.h"
#include "contract/record_documents.h"
#include "sync/reset.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kResetFooter = R"(
The next sync reads these streams from the beginning and puts their tables right.

Example:
  sluice reset sales.orders)";

void AddResetOptions(Options& options, CommandLine& line) {
  options.Add("STREAM", line.streams, "These streams, by name").Required();
  options.AddEvents(line.events);
}

int RunReset(const Context& context, const config::Config& config) {
  // Also what the configuration has no more: a table that is gone, a pattern that was taken out.
  std::vector<model::Stream> known;
  for (auto& name : connection::ResettableStreams(config, context.line.streams)) {
    known.push_back({.name = std::move(name)});
  }
  const auto streams = ChooseStreams(known, context.line.streams);
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const auto names = NamesOf(streams);
  sync::Reset(
      names, connection::LedgerOf(config), [&] { return connection.OpenDestination(); },
      context.clock, context.stop,
      [&](const std::string& name) {
        if (context.events != nullptr) context.events->StreamReset(name);
      });
  if (context.line.json) {
    context.out(contract::ResetJson(names));
    return contract::kDone;
  }
  for (const auto& name : names) {
    context.out("The next sync reads " + base::PrintableLine(name) + " from the beginning.\n");
  }
  return contract::kDone;
}

}  // namespace

const CommandRow kResetCommand = {
    .name = "reset",
    .description = "Forget how far streams were read; their rows stay",
    .footer = kResetFooter,
    .command = Command::kReset,
    .add_options = AddResetOptions,
    .run = RunReset};

}  // namespace sluice::cli
