// Keys printed by a program of the user's choice (the profile setting credential_process).
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session_keys.h"
#include "base/clock.h"

namespace sluice::aws {

// The words of a command line, without a shell: blanks separate, double quotes hold a word
// together (in them, backslash escapes '"' and itself), single quotes too (literally), a backslash
// elsewhere takes the next character as it is. No variables, no '~', no globbing. nullopt if a
// quote is left open or there is no word. Pure.
std::optional<std::vector<std::string>> SplitCommand(std::string_view command);

struct CredentialProcess {
  std::string command;
  std::string profile;  // for messages
  std::chrono::seconds timeout{60};
};

// Runs the command, found by PATH, in a session of its own (it cannot ask on the terminal), with
// no input, and reads what it prints. It is killed, with all it started, when the timeout or the
// deadline passes or `call.stop` fires. Neither its output nor its complaints nor its arguments
// are ever shown: they may hold secrets. Throws kInvalidConfig (the command cannot be taken apart
// or started), kAuthentication (it ended with an error, or gave expired keys), kUnavailable (it
// printed something else), kUnsupported (another Version than 1), kTimeout, kCancelled.
SessionKeys RunCredentialProcess(const CredentialProcess& process, const base::Clock& clock,
                                 const base::Call& call);

}  // namespace sluice::aws
