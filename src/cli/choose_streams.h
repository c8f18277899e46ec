// The streams that the words of a command name. Any thread.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "connection/connection.h"
#include "model/stream.h"
#include "sync/chosen_streams.h"

namespace sluice::cli {

// In the configuration's order. Throws kInvalidConfig for a name that no stream has (proposing the
// nearest), and if there is none at all.
std::vector<model::Stream> ChooseStreams(const std::vector<model::Stream>& all,
                                         const std::vector<std::string>& names);
std::vector<std::string> NamesOf(const std::vector<model::Stream>& streams);

// Those that a command that contacts the workgroup works with: of the configuration and of its
// patterns, in `streams`, with what the choice told. The workgroup is asked only if a pattern may
// have to do with `names`. Throws as ChooseStreams and Connection::ChooseStreams do.
sync::ChosenStreams ChooseFor(const std::vector<std::string>& names, const config::Config& config,
                              connection::Connection& connection, const base::Call& call);
// Whether it asks the workgroup.
bool AsksWorkgroup(const std::vector<std::string>& names, const config::Config& config);
// What the choice told, for whoever reads the log.
void LogNews(const sync::ChosenStreams& chosen, base::Logger& log);

}  // namespace sluice::cli
