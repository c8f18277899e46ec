// argv and environment -> what to do. The only file that knows CLI11.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/init_command.h"
#include "config/references.h"
#include "connection/setup_facts.h"
#include "serve/service.h"

namespace sluice::cli {

enum class Command {
  kInit,
  kCompletion,
  kMan,
  kSetup,
  kCheck,
  kDiscover,
  kPreview,
  kSync,
  kStatus,
  kHistory,
  kClean,
  kReset,
  kConfigValidate,
  kConfigSchema,
  kServe,
  kServeToken,
  kServeBackup,
  kServeRotateKey,
  kServeExport,
  kServeImport,
};
std::string_view CommandName(Command command);  // "config validate"

struct CommandLine {
  Command command = Command::kCheck;
  std::filesystem::path config = "sluice.yaml";
  std::string env_file;  // empty: none
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  // check
  std::string report;          // file; empty: none
  bool report_names = false;   // of tables and columns may stand in it
  bool list_findings = false;  // print the table of findings and contact nobody
  std::string only;            // "source", "destination"; empty: both
  // sync
  std::vector<std::string> streams;  // empty: all
  bool dry_run = false;
  bool full = false;
  bool allow_deletes = false;
  std::string watch;  // "15m", "schedule"; empty: once
  // history
  int runs_max = 20;
  // clean
  bool everything = false;
  // discover
  bool list_types = false;           // print the table of types and contact nobody
  std::vector<std::string> schemas;  // empty: all
  bool verify_keys = false;
  bool write = false;
  // preview
  std::string stream;
  int limit = 20;
  connection::SetupFlags setup;
  InitFlags init;
  serve::ServiceOptions serve;
  serve::TokenRequest token;        // serve token
  serve::ExchangeRequest exchange;  // serve export, serve import
  std::filesystem::path backup;     // serve backup
  std::string shell;                // completion
  std::string events;               // "3", "events.ndjson"; empty: none
};

struct Parsed {
  std::optional<CommandLine> line;
  // Without a line: what to print, and where and how to end.
  std::string text;
  int exit_code = 0;  // 0: help or version, on standard output; 2: misuse, on standard error
};

// Reads SLUICE_CONFIG and NO_COLOR from the environment. `arguments` without the program's name.
Parsed ParseCommandLine(const std::vector<std::string>& arguments,
                        const config::Environment& environment);

}  // namespace sluice::cli
