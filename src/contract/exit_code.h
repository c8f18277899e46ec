// How the program ends: a documented contract (README.md, docs/CLI_JSON.md).
#pragma once
#include "base/error.h"
#include "check/check.h"
#include "sync/run.h"

namespace sluice::contract {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUse = 2;      // or configuration
inline constexpr int kSomeFailed = 3;  // streams, but not all
inline constexpr int kInterrupted = 130;

int ExitCodeOf(const base::ErrorInfo& error);
int ExitCodeOf(const sync::RunResult& result);
// If none could be planned, that of the first error.
int ExitCodeOf(const std::vector<sync::Planned>& plans);
int ExitCodeOf(const check::Findings& findings);

}  // namespace sluice::contract
