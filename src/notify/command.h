// One run of a shell command with a text as its input. For notify.cc.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/environment.h"

namespace sluice::notify {

// Empty: it ended with status 0. Else why not: "ended with status 3". When `patience` is over, it
// is killed with all that it started. Throws base::Error if the system has no room for it.
std::string RunCommand(const std::string& command, std::string_view input,
                       const base::Environment& environment, std::chrono::seconds patience,
                       const base::Clock& clock);

}  // namespace sluice::notify
