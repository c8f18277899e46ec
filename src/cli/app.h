// The program behind main: command line in, exit code out.
#pragma once
#include <functional>
#include <string_view>

#include "sync/run.h"

namespace sluice::cli {

// Where tests reach in: the program itself leaves them empty.
struct Hooks {
  std::function<void(sync::Effect, std::string_view stream)> after_effect;
};

// Never throws. Called once by main, before any thread is started, because it blocks signals for
// all threads. REQUIRES: PrepareProcess (process.h) was called.
int Main(int argc, char** argv, const Hooks& hooks = {});

}  // namespace sluice::cli
