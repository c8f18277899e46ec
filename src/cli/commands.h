// What each command does, once its words are understood. Each returns the exit code; errors that
// end it are thrown (base::Error) and shown by app.cc.
#pragma once
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "cli/app.h"
#include "cli/command_line.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "config/config.h"

namespace sluice::cli {

// What commands work with. REQUIRES: all outlive the command.
struct Context {
  const CommandLine& line;
  const config::Environment& environment;
  const base::Clock& clock;
  base::Logger& log;
  Screen& screen;          // standard error
  const Style& log_style;  // of it
  const Sink& out;         // standard output
  const Style& out_style;
  std::stop_token stop;
  const Hooks& hooks;
  // Told as soon as something may be written there: what a second Ctrl-C reports.
  std::function<void(std::string staging_root)> on_staging_root;
};

int RunCheck(const Context& context, const config::Config& config);
int RunDiscover(const Context& context, const config::Config& config);
int RunSync(const Context& context, const config::Config& config);

// The streams to sync, in the configuration's order. Throws kInvalidConfig for a name that no
// stream has (proposing the nearest), and if there is none at all.
std::vector<model::Stream> ChooseStreams(const std::vector<model::Stream>& all,
                                         const std::vector<std::string>& names);

}  // namespace sluice::cli
