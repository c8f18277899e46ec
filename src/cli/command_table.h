// Every command. Each stands in a file of its own.
#pragma once
#include "cli/check_command.h"
#include "cli/command.h"

namespace sluice::cli {

extern const CommandRow kInitCommand;
extern const CommandRow kSetupCommand;
extern const CommandRow kDiscoverCommand;
extern const CommandRow kPreviewCommand;
extern const CommandRow kSyncCommand;
extern const CommandRow kStatusCommand;
extern const CommandRow kHistoryCommand;
extern const CommandRow kCleanCommand;
extern const CommandRow kResetCommand;
extern const CommandRow kConfigGroup;
extern const CommandRow kConfigValidateCommand;
extern const CommandRow kConfigSchemaCommand;
extern const CommandRow kServeCommand;
extern const CommandRow kServeTokenCommand;
extern const CommandRow kServeBackupCommand;
extern const CommandRow kServeRotateKeyCommand;
extern const CommandRow kServeExportCommand;
extern const CommandRow kServeImportCommand;
extern const CommandRow kCompletionCommand;
extern const CommandRow kManCommand;

}  // namespace sluice::cli
