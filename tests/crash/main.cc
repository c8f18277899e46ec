// The program, killed right after the effect that SLUICE_CRASH_AT names: "<effect> <stream>".
// SIGKILL, so that nothing of ours runs afterwards: no destructor, no handler, no flush.
// "list" prints the names of all effects instead, one a line, so that no test repeats them.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <string>

#include "cli/app.h"
#include "cli/process.h"

namespace {

// ToString answers the first name for a number that is no effect.
void ListEffects() {
  using sluice::sync::Effect;
  const std::string first(ToString(Effect{0}));
  puts(first.c_str());
  for (int i = 1; ToString(Effect{i}) != first; ++i) puts(std::string(ToString(Effect{i})).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  sluice::cli::PrepareProcess();
  const char* where = getenv("SLUICE_CRASH_AT");
  const std::string at = where == nullptr ? "" : where;
  if (at == "list") {
    ListEffects();
    return 0;
  }
  sluice::cli::Hooks hooks;
  hooks.after_effect = [&](sluice::sync::Effect effect, std::string_view stream) {
    if (at == std::string(ToString(effect)) + " " + std::string(stream)) raise(SIGKILL);
  };
  return sluice::cli::Main(argc, argv, hooks);
}
