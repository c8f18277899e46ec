#include "cli/watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "cli/units.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

using std::chrono::seconds;

// A clock may be set while we wait, and a laptop may sleep: so no wait is a long one.
constexpr seconds kLookAgain{5};

[[noreturn]] void Refuse(std::string message, std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "sync",
                     .subject = "--watch",
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

std::optional<schedule::When> WhenOf(const std::optional<config::ScheduleConfig>& own,
                                     std::optional<seconds> interval) {
  if (own) {
    // Both were judged when the configuration was read.
    return schedule::CronIn{std::get<schedule::Cron>(schedule::Cron::Parse(own->cron)),
                            schedule::LoadTimeZone(own->time_zone).value()};
  }
  if (interval) return *interval;
  return std::nullopt;
}

// What patterns stand for is known at each sync alone: an entry without a name is all of it. A name
// that no stream of the configuration has may be one of theirs.
void AddPatterns(const config::Config& config, const std::vector<std::string>& names,
                 std::optional<seconds> interval, std::vector<WatchEntry>& entries) {
  if (names.empty()) {
    for (const auto& pattern : config.patterns) {
      if (const auto when = WhenOf(pattern.schedule, interval)) entries.push_back({"", *when});
    }
    return;
  }
  for (const auto& name : names) {
    const bool written =
        std::any_of(config.streams.begin(), config.streams.end(),
                    [&](const auto& stream) { return stream.stream.name == name; });
    if (!written && interval) entries.push_back({name, *interval});
  }
}

class Watcher {
 public:
  Watcher(const Context& context, const std::vector<WatchEntry>& entries)
      : context_(context), entries_(entries), table_(Whens(entries), context.clock.Utc()) {}

  int Run(const std::function<int(const std::vector<std::string>&)>& sync) {
    const std::stop_callback on_stop(context_.stop, [this] { wake_.request_stop(); });
    const std::stop_callback on_drain(context_.drain, [this] { wake_.request_stop(); });
    while (!Ended()) {
      const auto due = table_.Due(context_.clock.Utc());
      if (due.empty()) {
        Wait();
        continue;
      }
      const auto began = context_.clock.Utc();
      sync(Names(due));
      table_.Done(due, began, context_.clock.Utc());
      told_.reset();
    }
    context_.screen.EndBlock(/*keep=*/false);
    return context_.stop.stop_requested() ? contract::kInterrupted : contract::kDone;
  }

 private:
  static std::vector<schedule::When> Whens(const std::vector<WatchEntry>& entries) {
    std::vector<schedule::When> whens;
    for (const auto& entry : entries) whens.push_back(entry.when);
    return whens;
  }

  bool Ended() const { return wake_.stop_requested(); }

  std::vector<std::string> Names(const std::vector<std::size_t>& numbers) const {
    std::vector<std::string> names;
    for (const std::size_t number : numbers) names.push_back(entries_.at(number).stream);
    return names;
  }

  void Wait() {
    const auto next = table_.Next();
    Tell(next);
    const auto left = next - context_.clock.Utc();
    const auto step = context_.screen.live() ? seconds(1) : kLookAgain;
    context_.clock.Sleep(
        std::clamp<std::chrono::nanoseconds>(left, std::chrono::milliseconds(1), step),
        wake_.get_token());
  }

  // Once in the log, where nobody looks at a screen that could count down.
  void Tell(base::UtcTime next) {
    if (context_.line.quiet) return;
    const auto when = fmt::format("{:%Y-%m-%d %H:%M:%S}Z",
                                  fmt::gmtime(std::chrono::system_clock::to_time_t(next)));
    const auto left = std::chrono::ceil<seconds>(next - context_.clock.Utc());
    if (context_.screen.live()) {
      context_.screen.ShowBlock({fmt::format("Next sync at {}, in {}. Ctrl-C ends.", when,
                                             Clocked(std::max(left, seconds(0))))});
      return;
    }
    if (told_ == next) return;
    told_ = next;
    context_.log.Info("waiting for the next sync", {{"at", when}, {"in", Clocked(left)}});
  }

  const Context& context_;
  const std::vector<WatchEntry>& entries_;
  schedule::Timetable table_;
  std::stop_source wake_;
  std::optional<base::UtcTime> told_;
};

}  // namespace

std::vector<WatchEntry> WatchEntries(const config::Config& config,
                                     const std::vector<std::string>& names,
                                     const std::string& watch) {
  std::optional<seconds> interval;
  if (watch != "schedule") {
    interval = config::ParseDuration(watch);
    if (!interval || *interval <= seconds(0)) {
      Refuse(
          "is neither a time such as 15m nor schedule",
          "Write --watch 15m, or --watch schedule for the schedules of the configuration alone.");
    }
  }
  std::vector<WatchEntry> entries;
  for (const auto& stream : config.streams) {
    const auto& name = stream.stream.name;
    const bool wanted = names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    const auto when = WhenOf(stream.schedule, interval);
    if (wanted && when) entries.push_back({name, *when});
  }
  AddPatterns(config, names, interval, entries);
  if (entries.empty()) {
    Refuse("none of these streams has a schedule",
           "Give them one, for example schedule: \"30 6 * * *\", or write --watch 15m.");
  }
  return entries;
}

int Watch(const Context& context, const std::vector<WatchEntry>& entries,
          const std::function<int(const std::vector<std::string>& names)>& sync) {
  return Watcher(context, entries).Run(sync);
}

}  // namespace sluice::cli
