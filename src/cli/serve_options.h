// Options that `serve` and its words share.
#pragma once
#include <filesystem>
#include <string>

#include "cli/command_line.h"
#include "cli/options.h"

namespace sluice::cli {

Option AddServeFile(Options& options, const std::string& name, std::filesystem::path& target,
                    const std::string& description);
void AddServeFolder(Options& options, CommandLine& line);  // --data
// --data and --key-file.
void AddServeData(Options& options, CommandLine& line);
// What the operator allows tenants, and how much of the machine a sync may take.
void AddServeRules(Options& options, CommandLine& line);

}  // namespace sluice::cli
