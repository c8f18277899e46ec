// `sluice discover`: what a workgroup holds.
#include "base/printable.h"
#include "cli/command_table.h"
#include "cli/screens.h"
#include "cli/units.h"
#include "config/edit.h"
#include "config/include.h"
#include "connection/chosen_streams.h"
#include "connection/connection.h"
#include "connection/discovery.h"
#include "connection/host_rules.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "init/whole_file.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kDiscoverFooter = R"(
--write keeps comments and order of the file, leaves out views and what a stream or a pattern reads
already, and adds no settings: what is proposed is for you to judge.

Examples:
  sluice discover                 all schemas that the user may see
  sluice discover sales           one of them
  sluice discover sales --write   and add its tables to the configuration as streams
  sluice discover --json | jq -r '.schemas[].tables[].name')";

void AddDiscoverOptions(Options& options, CommandLine& line) {
  options.Add("SCHEMA", line.schemas, "Only these schemas");
  options.Switch("--write", line.write, "Add a stream for each table to the configuration");
  options.Switch("--verify-keys", line.verify_keys,
                 "Count values that stand twice in declared keys; reads those columns of all rows");
  // For docs/TYPES.md; no help of it, because people read that page.
  options.Switch("--list-types", line.list_types, "").Hidden();
  options.AddEvents(line.events);
}

std::optional<int> ListTypes(const Context& context) {
  if (!context.line.list_types) return std::nullopt;
  context.out(contract::TypesJson());
  return contract::kDone;
}

// What a stream of its own can read and nothing reads yet.
std::vector<model::TableName> Unread(const std::vector<connection::DiscoveredSchema>& found) {
  std::vector<model::TableName> tables;
  for (const auto& schema : found) {
    for (const auto& table : schema.tables) {
      const bool view = table.type.find("VIEW") != std::string::npos;
      const bool readable = table.unknown.empty() && !table.columns.empty();
      if (!table.configured && !view && readable) tables.push_back(table.name);
    }
  }
  return tables;
}

// Into the main file, whatever it includes. It is written whole or not at all, and only as what the
// program can read.
std::vector<std::string> WriteStreams(const Context& context, const config::Config& config,
                                      const std::vector<connection::DiscoveredSchema>& found) {
  std::vector<std::string> names;
  std::vector<std::string> references;
  for (const auto& table : Unread(found)) {
    names.push_back(table.ToString());
    references.push_back(connection::TableReference(table));
  }
  if (names.empty()) return names;
  const auto read = config::ReadTextFile(config.file, "");
  if (const auto* problem = std::get_if<config::Problem>(&read)) {
    throw config::ToError(config.file, {*problem});
  }
  const auto& old = std::get<config::ReadText>(read);
  const std::string text = config::AddTables(old.text, references);
  const auto loaded =
      config::Parse(text, config.file, context.environment, connection::EndpointRules());
  if (!loaded.problems.empty()) throw config::ToError(config.file, loaded.problems);
  init::WriteWhole(config.file, text, static_cast<unsigned>(old.perms));
  return names;
}

int RunDiscover(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const base::Call call{.deadline = base::Deadline::Never(), .stop = context.stop};
  const auto session = connection.Login(call);
  connection::DiscoverOptions options = {.database = config.redshift.database,
                                         .schemas = context.line.schemas,
                                         .streams = connection::StreamsOf(config),
                                         .verify_keys = context.line.verify_keys};
  if (!config.patterns.empty()) {
    options.chosen = [&](const auto& table) { return connection::IsMeant(config, table); };
  }
  if (context.events != nullptr) {
    options.on_schema = [&](const auto& schema) { context.events->SchemaListed(schema); };
  }
  const auto found = connection::Discover(*session, options, call);
  std::vector<std::string> written;
  if (context.line.write) written = WriteStreams(context, config, found);
  std::string text = context.line.json ? contract::DiscoverJson(found, written)
                                       : DiscoverScreen(found, context.out_style);
  if (context.line.write && !context.line.json) {
    text += Count(written.size(), "stream") + " added to " +
            base::PrintableLine(config.file.string()) + ".\n";
  }
  context.out(text);
  return contract::kDone;
}

}  // namespace

const CommandRow kDiscoverCommand = {
    .name = "discover",
    .description = "List schemas, tables, columns and keys that can be read",
    .footer = kDiscoverFooter,
    .command = Command::kDiscover,
    .add_options = AddDiscoverOptions,
    .before = ListTypes,
    .run = RunDiscover};

}  // namespace sluice::cli
