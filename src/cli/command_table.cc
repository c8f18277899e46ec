#include "cli/command_table.h"

#include <stdlib.h>

#include <algorithm>

namespace sluice::cli {
namespace {

// Both are put right before the parser sees them (arguments.h); here they are for the help.
const CommandRow kHelp = {.name = "help",
                          .description = "Tell what a command does, as COMMAND --help does"};
const CommandRow kVersion = {.name = "version", .description = "Print the version"};

}  // namespace

const std::vector<const CommandRow*>& CommandTable() {
  static const std::vector<const CommandRow*> rows = {&kInitCommand,
                                                      &kSetupCommand,
                                                      &kCheckCommand,
                                                      &kDiscoverCommand,
                                                      &kPreviewCommand,
                                                      &kSyncCommand,
                                                      &kStatusCommand,
                                                      &kHistoryCommand,
                                                      &kCleanCommand,
                                                      &kResetCommand,
                                                      &kConfigGroup,
                                                      &kConfigValidateCommand,
                                                      &kConfigSchemaCommand,
                                                      &kServeCommand,
                                                      &kServeTokenCommand,
                                                      &kServeBackupCommand,
                                                      &kServeRotateKeyCommand,
                                                      &kServeExportCommand,
                                                      &kServeImportCommand,
                                                      &kCompletionCommand,
                                                      &kManCommand,
                                                      &kHelp,
                                                      &kVersion};
  return rows;
}

const CommandRow& RowOf(Command command) {
  for (const CommandRow* row : CommandTable()) {
    if (row->IsCommand() && row->command == command) return *row;
  }
  abort();  // a broken invariant: every command has a row
}

std::string_view CommandName(Command command) { return RowOf(command).name; }

}  // namespace sluice::cli
