// Tells somebody that a run failed: a command, a web address, or both. What it tells is the run's
// result as JSON, the same as on the screen with --json.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/environment.h"
#include "base/secret.h"
#include "http/transport.h"

namespace sluice::notify {

struct Options {
  // For /bin/sh -c. Empty: none.
  std::string command;
  // The address often is the secret (Slack, Teams): it appears in no message. Empty: none.
  base::Secret webhook;
  // Each of the two may take so long.
  std::chrono::seconds patience{30};
};

// The JSON is the command's standard input and the body of a POST. The command gets of the
// environment only what no secret stands in (PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ,
// TMPDIR), and standard error as its standard output, so that it cannot disturb a result. Returns
// what went wrong, a sentence each; throws nothing. `transport` is made only if it is needed.
std::vector<std::string> Tell(const Options& options, std::string_view json,
                              const base::Environment& environment, const base::Clock& clock,
                              const std::function<std::unique_ptr<http::Transport>()>& transport);

}  // namespace sluice::notify
