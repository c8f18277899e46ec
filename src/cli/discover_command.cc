// `sluice discover`: what a workgroup holds.
#include "cli/command_table.h"
#include "cli/screens.h"
#include "connection/connection.h"
#include "connection/discovery.h"
#include "contract/documents.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kFooter = R"(
Examples:
  sluice discover                 all schemas that the user may see
  sluice discover sales           one of them
  sluice discover --json | jq -r '.schemas[].tables[].name')";

void AddOptions(Options& options, CommandLine& line) {
  options.Add("SCHEMA", line.schemas, "Only these schemas");
  options.AddEvents(line.events);
}

int RunDiscover(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const base::Call call{.deadline = base::Deadline::Never(), .stop = context.stop};
  const auto session = connection.Login(call);
  connection::DiscoverOptions options = {.database = config.redshift.database,
                                         .schemas = context.line.schemas,
                                         .streams = connection::StreamsOf(config)};
  if (context.events != nullptr) {
    options.on_schema = [&](const auto& schema) { context.events->SchemaListed(schema); };
  }
  const auto found = connection::Discover(*session, options, call);
  context.out(context.line.json ? contract::DiscoverJson(found)
                                : DiscoverScreen(found, context.out_style));
  return contract::kDone;
}

}  // namespace

const CommandRow kDiscoverCommand = {
    .name = "discover",
    .description = "List schemas, tables, columns and keys that can be read",
    .footer = kFooter,
    .command = Command::kDiscover,
    .add_options = AddOptions,
    .run = RunDiscover};

}  // namespace sluice::cli
