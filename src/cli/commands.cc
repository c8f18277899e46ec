#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/progress_log.h"
#include "cli/progress_painter.h"
#include "cli/screens.h"
#include "config/showable.h"
#include "connection/connection.h"
#include "connection/discovery.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "redshift/relations.h"

namespace sluice::cli {
namespace {

[[noreturn]] void BadStreams(std::string subject, std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "choose streams",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

std::vector<std::string> NamesOf(const std::vector<model::Stream>& streams) {
  std::vector<std::string> names;
  for (const auto& stream : streams) names.push_back(stream.name);
  return names;
}

class NoObserver final : public sync::Observer {
 public:
  void OnProgress(const sync::Progress&) override {}
};

std::unique_ptr<sync::Observer> MakeObserver(const Context& context,
                                             const std::vector<std::string>& streams) {
  if (context.line.quiet) return std::make_unique<NoObserver>();
  if (context.screen.live()) {
    auto painter = std::make_unique<ProgressPainter>(streams, context.screen, context.clock,
                                                     context.log_style);
    painter->Start();
    return painter;
  }
  return std::make_unique<ProgressLog>(streams, context.log, context.clock);
}

sync::RunOptions OptionsOf(const CommandLine& line, const connection::Connection& connection) {
  sync::RunOptions options = connection.RunOptions();
  options.full = line.full;
  options.allow_deletes = line.allow_deletes;
  return options;
}

// Closed on every way out, so that a file that was made for a sync that failed goes again. Close
// may fail after everything was committed: worth a line, not a failed sync.
class OpenedDestination {
 public:
  OpenedDestination(std::unique_ptr<destinations::Destination> destination, base::Logger& log)
      : destination_(std::move(destination)), log_(log) {}
  OpenedDestination(const OpenedDestination&) = delete;
  OpenedDestination& operator=(const OpenedDestination&) = delete;
  ~OpenedDestination() { Close(); }

  destinations::Destination& operator*() const { return *destination_; }
  void Close() noexcept {
    if (!destination_) return;
    try {
      destination_->Close();
    } catch (...) {
      const base::Error error = base::AsError(std::current_exception());
      log_.Warning("the destination could not be closed cleanly",
                   {{"reason", error.info().message}});
    }
    destination_.reset();
  }

 private:
  std::unique_ptr<destinations::Destination> destination_;
  base::Logger& log_;
};

}  // namespace

std::vector<model::Stream> ChooseStreams(const std::vector<model::Stream>& all,
                                         const std::vector<std::string>& names) {
  if (all.empty()) {
    BadStreams("streams", "the configuration names no stream",
               "See what there is: sluice discover\nThen list it:\n  streams:\n    - table: "
               "schema.table");
  }
  if (names.empty()) return all;
  for (const auto& name : names) {
    const auto known = NamesOf(all);
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = redshift::NearestName(name, known);
    std::string list;
    for (const auto& one : known) list += "\n  " + one;
    // What was typed here may have been meant for another place.
    const bool shown = near || !config::MayHoldSecret(name);
    BadStreams(shown ? "stream " + name : "a stream whose name is not shown",
               "the configuration has no stream of that name",
               near ? fmt::format("Did you mean {}?", *near) : "It has:" + list);
  }
  std::vector<model::Stream> chosen;
  for (const auto& stream : all) {
    if (std::find(names.begin(), names.end(), stream.name) != names.end()) {
      chosen.push_back(stream);
    }
  }
  return chosen;
}

int RunCheck(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  context.on_staging_root(connection.StagingRoot());
  const bool json = context.line.json;
  FindingPrinter printer(config.streams.size(), context.out_style);
  const auto print = [&](const check::Finding& finding) {
    if (!json) context.out(printer.Add(finding));
  };
  if (!json) context.out(CheckHeader(config, context.out_style));
  auto options = connection.CheckOptions();
  options.streams_to_come = context.line.command == Command::kInit;
  std::vector<check::Finding> warned;
  for (const auto& warning : config.warnings) {
    warned.push_back(check::MakeFinding(
        "configuration.secret_readable", warning.field, warning.field + " " + warning.problem,
        {{"file", config.file.string()}, {"field", warning.field}}));
    print(warned.back());
  }
  auto findings = check::Run(options, connection.CheckParts(print), context.stop);
  findings.findings.insert(findings.findings.begin(), warned.begin(), warned.end());
  context.out(json ? contract::CheckJson(findings)
                   : printer.Rest() + CheckFooter(findings, context.out_style));
  return contract::ExitCodeOf(findings);
}

int RunDiscover(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const base::Call call{.deadline = base::Deadline::Never(), .stop = context.stop};
  const auto session = connection.Login(call);
  const auto found = connection::Discover(*session,
                                          {.database = config.redshift.database,
                                           .schemas = context.line.schemas,
                                           .streams = connection::StreamsOf(config)},
                                          call);
  context.out(context.line.json ? contract::DiscoverJson(found)
                                : DiscoverScreen(found, context.out_style));
  return contract::kDone;
}

int RunSync(const Context& context, const config::Config& config) {
  const auto streams = ChooseStreams(connection::StreamsOf(config), context.line.streams);
  connection::Connection connection(config, context.environment, context.clock, context.log);
  OpenedDestination destination(connection.OpenDestination(), context.log);
  const std::string name = (*destination).Name();
  if (context.line.dry_run) {
    NoObserver nobody;
    const auto plans = sync::Plan(streams, OptionsOf(context.line, connection),
                                  connection.RunParts(*destination, nobody), context.stop);
    context.out(context.line.json ? contract::PlanJson(plans, name)
                                  : PlanScreen(plans, name, context.out_style));
    return contract::kDone;
  }
  context.on_staging_root(connection.StagingRoot());
  sync::RunResult result;
  {
    // Gone before the result is printed: the block of lines goes with it.
    const auto observer = MakeObserver(context, NamesOf(streams));
    sync::RunParts parts = connection.RunParts(*destination, *observer);
    parts.after_effect = context.hooks.after_effect;
    result = sync::Run(streams, OptionsOf(context.line, connection), parts, context.stop);
  }
  // Before the result: whoever reads it may open the destination at once.
  destination.Close();
  context.out(context.line.json ? contract::SyncJson(result, name)
                                : SyncScreen(result, name, context.out_style));
  return contract::ExitCodeOf(result);
}

}  // namespace sluice::cli
