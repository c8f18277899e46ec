#include "cli/choose_streams.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/showable.h"
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

}  // namespace

std::vector<std::string> NamesOf(const std::vector<model::Stream>& streams) {
  std::vector<std::string> names;
  for (const auto& stream : streams) names.push_back(stream.name);
  return names;
}

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
    constexpr std::size_t kListedMax = 30;
    std::string list;
    for (std::size_t i = 0; i < known.size() && i < kListedMax; ++i) list += "\n  " + known[i];
    if (known.size() > kListedMax) {
      list += fmt::format("\n  and {} more: sluice status", known.size() - kListedMax);
    }
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

bool AsksWorkgroup(const std::vector<std::string>& names, const config::Config& config) {
  if (config.patterns.empty()) return false;
  const auto written = NamesOf(connection::StreamsOf(config));
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const auto& name) {
           return std::find(written.begin(), written.end(), name) == written.end();
         });
}

sync::ChosenStreams ChooseFor(const std::vector<std::string>& names, const config::Config& config,
                              connection::Connection& connection, const base::Call& call) {
  sync::ChosenStreams chosen;
  if (AsksWorkgroup(names, config)) {
    chosen = connection.ChooseStreams(call);
  } else {
    chosen.streams = connection::StreamsOf(config);
  }
  for (const auto& table : chosen.not_taken) {
    if (std::find(names.begin(), names.end(), table.stream) == names.end()) continue;
    BadStreams("stream " + table.stream, table.pattern + " only tells of it: it came later",
               "Give it a stream of its own:\n  - table: " + table.stream);
  }
  chosen.streams = ChooseStreams(chosen.streams, names);
  // Of a part of the streams nothing is remembered: what is new is new until all are synced.
  if (!names.empty()) chosen.known.clear();
  return chosen;
}

void LogNews(const sync::ChosenStreams& chosen, base::Logger& log) {
  for (const auto& table : chosen.new_tables) {
    log.Info("a new table is synced", {{"stream", table.stream}, {"pattern", table.pattern}});
  }
  for (const auto& table : chosen.not_taken) {
    log.Warning("a new table is not synced: new_tables is tell",
                {{"table", table.stream}, {"pattern", table.pattern}});
  }
  for (const auto& table : chosen.gone) {
    log.Warning("a table is gone at the source; its rows at the destination stay",
                {{"stream", table.stream}, {"pattern", table.pattern}});
  }
  for (const auto& pattern : chosen.no_match) {
    log.Warning("a pattern chooses no table", {{"pattern", pattern}});
  }
}

}  // namespace sluice::cli
