// The program, killed right after the effect that SLUICE_CRASH_AT names: "<effect> <stream>".
// SIGKILL, so that nothing of ours runs afterwards: no destructor, no handler, no flush.
// Without that variable the file "crash_at" in the home folder says so, once: it is how a child of
// the service, which gets no variable of a test's, is told.
// "list" prints the names of all effects instead, one a line, so that no test repeats them.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
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

std::filesystem::path FileInHome() {
  const char* home = getenv("HOME");
  return std::filesystem::path(home == nullptr ? "" : home) / "crash_at";
}

std::string FromHome() {
  std::ifstream file(FileInHome());
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  sluice::cli::PrepareProcess();
  const char* where = getenv("SLUICE_CRASH_AT");
  const std::string at = where == nullptr ? FromHome() : where;
  if (at == "list") {
    ListEffects();
    return 0;
  }
  sluice::cli::Hooks hooks;
  hooks.after_effect = [&](sluice::sync::Effect effect, std::string_view stream) {
    if (at != std::string(ToString(effect)) + " " + std::string(stream)) return;
    if (where == nullptr) std::filesystem::remove(FileInHome());
    raise(SIGKILL);
  };
  return sluice::cli::Main(argc, argv, hooks);
}
