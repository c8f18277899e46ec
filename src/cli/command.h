// A command of the program: its words, its options and what it does. command_table.cc lists them;
// a new one is a file *_command.cc and a row there.
#pragma once
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cli/app.h"
#include "cli/command_line.h"
#include "cli/options.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "contract/events.h"

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
  // Of --watch: no new stream is begun, what is under way is finished.
  std::stop_token drain;
  const Hooks& hooks;
  // Told as soon as something may be written there: what a second Ctrl-C reports.
  std::function<void(std::string staging_root)> on_staging_root;
  // For --events; null without.
  contract::Events* events = nullptr;
};

struct CommandRow {
  std::string_view name;  // "sync"; "config validate" stands in the group "config"
  std::string_view description;
  std::string_view footer;  // of its help: what a person should know, examples
  Command command = Command::kCheck;
  void (*add_options)(Options& options, CommandLine& line) = nullptr;
  // Both return the exit code; errors that end the command are thrown (base::Error) and shown by
  // app.cc. `before` is called first, without a configuration; nullopt: go on with `run`.
  std::optional<int> (*before)(const Context& context) = nullptr;
  int (*run)(const Context& context, const config::Config& config) = nullptr;
  // Its name in the documents of `run`, if that is another command's.
  std::string_view runs_as = {};

  // Else it is a group of others, or a word that arguments.h puts right.
  bool IsCommand() const { return before != nullptr || run != nullptr; }
};

// In the order of the help. "GROUP" stands before "GROUP WORD".
const std::vector<const CommandRow*>& CommandTable();
const CommandRow& RowOf(Command command);

}  // namespace sluice::cli
