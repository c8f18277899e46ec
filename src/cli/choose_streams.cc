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

}  // namespace sluice::cli
