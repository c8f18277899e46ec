// The program, killed right after the effect that SLUICE_CRASH_AT names: "<effect> <stream>".
// SIGKILL, so that nothing of ours runs afterwards: no destructor, no handler, no flush.
#include <signal.h>
#include <stdlib.h>

#include <string>

#include "cli/app.h"

int main(int argc, char** argv) {
  const char* where = getenv("SLUICE_CRASH_AT");
  const std::string at = where == nullptr ? "" : where;
  sluice::cli::Hooks hooks;
  hooks.after_effect = [&](sluice::sync::Effect effect, std::string_view stream) {
    if (at == std::string(ToString(effect)) + " " + std::string(stream)) raise(SIGKILL);
  };
  return sluice::cli::Main(argc, argv, hooks);
}
