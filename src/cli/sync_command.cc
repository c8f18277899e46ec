// `sluice sync`: brings streams to the destination.
#include "cli/choose_streams.h"
#include "cli/command_table.h"
#include "cli/progress_log.h"
#include "cli/progress_painter.h"
#include "cli/screens.h"
#include "cli/watch.h"
#include "connection/connection.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "notify/notify.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kSyncFooter = R"(
A stream's rows appear at the destination all at once, after every count agreed; a failing
stream leaves its table as it was and does not stop the others.

Ctrl-C stops gracefully: UNLOADs are cancelled and the bucket is cleaned. A second Ctrl-C
stops at once; the next sync then removes what was left.

Examples:
  sluice sync                              all streams
  sluice sync sales.orders big_spenders    these two
  sluice sync --dry-run                    what would be done, and with which SELECT
  sluice sync sales.orders --full          from the beginning, not from the watermark
  sluice sync --watch 15m                  sync after sync, until Ctrl-C or SIGTERM
  sluice sync --json > result.json         for programs (docs/CLI_JSON.md)
  sluice sync --events run.ndjson          what happens, as it happens, for programs)";

void AddSyncOptions(Options& options, CommandLine& line) {
  options.Add("STREAM", line.streams, "Only these streams, by name");
  const Option dry_run =
      options.Switch("--dry-run", line.dry_run, "Tell what would be done; read no rows");
  const Option full =
      options.Switch("--full", line.full, "Read everything, whatever was read before");
  options.Switch("--allow-deletes", line.allow_deletes,
                 "However many rows are gone at the source, delete them");
  options.Add("--watch", line.watch, "Sync after sync: every 15m, or by each stream's schedule")
      .Value("TIME|schedule")
      .Excludes(dry_run)
      .Excludes(full);
  options.AddEvents(line.events);
}

class NoObserver final : public sync::Observer {
 public:
  void OnProgress(const sync::Progress&) override {}
};

// The screen or the log, and the events, told alike.
class Observers final : public sync::Observer {
 public:
  explicit Observers(std::vector<sync::Observer*> all) : all_(std::move(all)) {
    std::erase(all_, nullptr);
  }
  void OnRunBegan(const std::string& run, const std::vector<std::string>& streams) override {
    for (auto* one : all_) one->OnRunBegan(run, streams);
  }
  void OnProgress(const sync::Progress& progress) override {
    for (auto* one : all_) one->OnProgress(progress);
  }
  void OnStreamEnded(const sync::StreamResult& result) override {
    for (auto* one : all_) one->OnStreamEnded(result);
  }

 private:
  std::vector<sync::Observer*> all_;
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

// What of the configuration is to be synced.
struct Wanted {
  std::vector<std::string> names;  // empty: all
  bool patterns = false;           // with `names`: also what patterns stand for
};

sync::ChosenStreams ChooseWanted(const Wanted& wanted, const config::Config& config,
                                 connection::Connection& connection, const base::Call& call) {
  if (!wanted.patterns) return ChooseFor(wanted.names, config, connection, call);
  // A table that a stream of its own reads is none of a pattern's, whether that is due or not.
  auto chosen = ChooseFor({}, config, connection, call);
  for (const auto& stream : connection::StreamsOf(config)) {
    if (std::find(wanted.names.begin(), wanted.names.end(), stream.name) != wanted.names.end()) {
      continue;
    }
    std::erase_if(chosen.streams, [&](const auto& one) { return one.name == stream.name; });
  }
  return chosen;
}

// A sync that cannot tell its streams is a sync that failed, for `status`, too.
sync::ChosenStreams Chosen(const Context& context, const Wanted& wanted,
                           const config::Config& config, connection::Connection& connection) {
  const base::Call call{.deadline = base::Deadline::Never(), .stop = context.stop};
  try {
    return ChooseWanted(wanted, config, connection, call);
  } catch (const base::Error& error) {
    if (!context.line.dry_run && error.code() != base::ErrorCode::kInvalidConfig) {
      sync::RecordFailedRun(connection::LedgerOf(config), context.clock, error.info());
    }
    throw;
  }
}

// One sync, and what it came to for those whom on_failure tells.
struct SyncOutcome {
  int exit_code = contract::kDone;
  std::string json;
};

SyncOutcome SyncOnce(const Context& context, const config::Config& config, const Wanted& wanted) {
  // What is wrong with them is told before anything is opened.
  if (!wanted.patterns && !AsksWorkgroup(wanted.names, config)) {
    ChooseStreams(connection::StreamsOf(config), wanted.names);
  }
  connection::Connection connection(config, context.environment, context.clock, context.log);
  OpenedDestination destination(connection.OpenDestination(), context.log);
  const std::string name = (*destination).Name();
  const auto chosen = Chosen(context, wanted, config, connection);
  const auto& streams = chosen.streams;
  LogNews(chosen, context.log);
  if (context.line.dry_run) {
    NoObserver nobody;
    const auto plans = sync::Plan(streams, OptionsOf(context.line, connection),
                                  connection.RunParts(*destination, nobody), context.stop);
    const auto estimate = sync::Estimate(
        streams, sync::ReadHistory(connection::LedgerOf(config), 1), config.cost.rpu_price);
    context.out(context.line.json ? contract::PlanJson(plans, name, chosen, estimate)
                                  : PlanScreen(plans, name, context.out_style, estimate));
    return {.exit_code = contract::ExitCodeOf(plans)};
  }
  context.on_staging_root(connection.StagingRoot());
  sync::RunResult result;
  {
    // Gone before the result is printed: the block of lines goes with it.
    const auto shown = MakeObserver(context, NamesOf(streams));
    Observers observers({shown.get(), context.events});
    sync::RunParts parts = connection.RunParts(*destination, observers);
    parts.drain = context.drain;
    parts.after_effect = context.hooks.after_effect;
    parts.tables = chosen.known;
    result = sync::Run(streams, OptionsOf(context.line, connection), parts, context.stop);
  }
  if (context.events != nullptr) context.events->RunEnded(result);
  // Before the result: whoever reads it may open the destination at once.
  destination.Close();
  SyncOutcome outcome{.exit_code = contract::ExitCodeOf(result),
                      .json = contract::SyncJson(result, name, chosen)};
  context.out(context.line.json ? outcome.json : SyncScreen(result, name, context.out_style));
  return outcome;
}

// Whatever becomes of it: the sync is over, and its exit code stays.
void TellFailure(const Context& context, const config::Config& config, const SyncOutcome& outcome) {
  if (context.line.dry_run) return;
  if (outcome.exit_code == contract::kDone || outcome.exit_code == contract::kInterrupted) return;
  const auto problems = notify::Tell(
      {.command = config.on_failure.command, .webhook = config.on_failure.webhook}, outcome.json,
      context.environment, context.clock, [&] { return connection::MakeTransport(context.clock); });
  for (const auto& problem : problems) {
    context.log.Warning("on_failure: nobody was told", {{"reason", problem}});
  }
}

int SyncAndTell(const Context& context, const config::Config& config, const Wanted& wanted) {
  try {
    const SyncOutcome outcome = SyncOnce(context, config, wanted);
    TellFailure(context, config, outcome);
    return outcome.exit_code;
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    TellFailure(context, config,
                {.exit_code = contract::ExitCodeOf(error.info()),
                 .json = contract::ErrorJson("sync", error.info())});
    throw base::Error(error.info());
  }
}

// As SyncAndTell, but what ends this sync does not end the watch.
int SyncInWatch(const Context& context, const config::Config& config, const Wanted& wanted) {
  try {
    return SyncAndTell(context, config, wanted);
  } catch (const base::Error& error) {
    if (context.line.json) {
      context.out(contract::ErrorJson("sync", error.info()));
    } else {
      context.screen.PrintLine(ErrorScreen(error.info(), context.log_style));
    }
    return contract::ExitCodeOf(error.info());
  }
}

int RunSync(const Context& context, const config::Config& config) {
  for (const auto& warning : config.warnings) {
    context.log.Warning("a secret " + warning.problem,
                        {{"field", warning.field}, {"remedy", warning.remedy}});
  }
  const auto& names = context.line.streams;
  if (context.line.watch.empty()) return SyncAndTell(context, config, {.names = names});
  // A wrong name is told now.
  if (!AsksWorkgroup(names, config)) ChooseStreams(connection::StreamsOf(config), names);
  const auto entries = WatchEntries(config, names, context.line.watch);
  return Watch(context, entries, [&](const std::vector<std::string>& due) {
    Wanted wanted{.names = due};
    // An entry without a name stands for the patterns.
    wanted.patterns = std::erase(wanted.names, "") > 0;
    return SyncInWatch(context, config, wanted);
  });
}

}  // namespace

const CommandRow kSyncCommand = {
    .name = "sync",
    .description = "Bring streams to the destination, every row counted",
    .footer = kSyncFooter,
    .command = Command::kSync,
    .add_options = AddSyncOptions,
    .run = RunSync};

}  // namespace sluice::cli
