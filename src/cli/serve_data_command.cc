// What `sluice serve` keeps, from the command line: its key, and its pipelines as files.
#include <fmt/format.h>

#include "cli/command_table.h"
#include "cli/serve_options.h"
#include "contract/exit_code.h"
#include "contract/json_envelope.h"
#include "serve/service.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kBackupFooter = R"(
Copies the state (service.db) while the service runs or not: one moment of it, whole, with the
rights 0600. Secrets stay sealed in it. To restore, put it as service.db into an empty folder,
and start with the same key.

Examples:
  sluice serve backup --data /var/lib/sluice --to /backup/service-$(date +%F).db)";

constexpr std::string_view kRotateFooter = R"(
The service may run meanwhile: it takes the new key up. Whenever this is ended, even by a power
cut, every secret stays readable, and the next start or call ends it. Keep a copy of the new key.
With SLUICE_KEY: stop the service, set it to the new key, and SLUICE_KEY_PREVIOUS to the old one.

Examples:
  sluice serve rotate-key --data /var/lib/sluice)";

constexpr std::string_view kExportFooter = R"(
Writes a file for each pipeline of a tenant, which means the same to `sluice sync`. Secrets
stand in them as ${NAME}; --with-secrets writes them to .env, for --env-file. Where the
service has rules (--allow-path, --ca-bundle, ...), give the same ones here.

Examples:
  sluice serve export --tenant acme --to acme/
  sluice serve export --tenant acme --to acme/ --with-secrets)";

constexpr std::string_view kImportFooter = R"(
Makes a pipeline of each file, with its source and destination; the tenant is made if there
is none of that name. A file whose name: is known changes that pipeline. Nothing is kept
unless every file is right. What the service cannot do is refused, and named.

Examples:
  sluice serve import --tenant acme acme/*.yaml --env-file acme/.env)";

void AddTenant(Options& options, CommandLine& line) {
  options.Add("--tenant", line.exchange.tenant, "Whose, by name or id").Value("NAME").Required();
}

void AddBackup(Options& options, CommandLine& line) {
  AddServeFolder(options, line);
  AddServeFile(options, "--to", line.backup, "File that the copy is written to").Required();
}

void AddRotate(Options& options, CommandLine& line) { AddServeData(options, line); }

void AddExport(Options& options, CommandLine& line) {
  serve::ExchangeRequest& exchange = line.exchange;
  AddServeData(options, line);
  AddServeRules(options, line);
  AddTenant(options, line);
  options
      .Call(
          "--to", [&exchange](const std::string& text) { exchange.folder = text; },
          "Folder that the files are written to")
      .Value("PATH")
      .Required();
  options.Switch("--with-secrets", exchange.with_secrets, "Write their secrets, too, to .env");
}

void AddImport(Options& options, CommandLine& line) {
  AddServeData(options, line);
  AddServeRules(options, line);
  AddTenant(options, line);
  options.Add("FILE", line.exchange.files, "Configurations of `sluice sync`").Required();
}

std::optional<int> RunBackup(const Context& context) {
  const auto& file = context.line.backup;
  const std::int64_t bytes = serve::BackUpService(context.line.serve, file);
  if (context.line.json) {
    contract::Json json = contract::Envelope("serve backup", contract::kDone);
    json["error"] = nullptr;
    json["file"] = file.string();
    json["bytes"] = bytes;
    context.out(contract::Dump(json));
  } else {
    context.out(fmt::format("Wrote {}. Its secrets need the service's key: keep that apart.\n",
                            file.string()));
  }
  return contract::kDone;
}

std::optional<int> RunRotate(const Context& context) {
  const auto rotated =
      serve::RotateServiceKey(context.line.serve, context.environment, context.clock);
  if (context.line.json) {
    contract::Json json = contract::Envelope("serve rotate-key", contract::kDone);
    json["error"] = nullptr;
    json["values"] = rotated.values;
    json["key"] = rotated.key_id;
    context.out(contract::Dump(json));
  } else {
    context.out(fmt::format(
        "Sealed {} values with the new key, {}.\nKeep a copy of it, apart from the data.\n",
        rotated.values, rotated.key_id));
  }
  return contract::kDone;
}

std::optional<int> TellList(const Context& context, std::string_view command,
                            std::string_view field, const std::vector<std::string>& list) {
  if (context.line.json) {
    contract::Json json = contract::Envelope(command, contract::kDone);
    json["error"] = nullptr;
    json[std::string(field)] = list;
    context.out(contract::Dump(json));
  } else {
    for (const std::string& one : list) context.out(one + "\n");
  }
  return contract::kDone;
}

std::optional<int> RunExport(const Context& context) {
  return TellList(context, "serve export", "files",
                  serve::ExportFiles(context.line.serve, context.environment, context.clock,
                                     context.line.exchange));
}

std::optional<int> RunImport(const Context& context) {
  return TellList(context, "serve import", "pipelines",
                  serve::ImportFiles(context.line.serve, context.environment, context.clock,
                                     context.line.exchange));
}

}  // namespace

const CommandRow kServeBackupCommand = {.name = "serve backup",
                                        .description = "Copy its state, while it runs",
                                        .footer = kBackupFooter,
                                        .command = Command::kServeBackup,
                                        .add_options = AddBackup,
                                        .before = RunBackup};

const CommandRow kServeRotateKeyCommand = {
    .name = "serve rotate-key",
    .description = "Make a new key, and seal every secret with it",
    .footer = kRotateFooter,
    .command = Command::kServeRotateKey,
    .add_options = AddRotate,
    .before = RunRotate};

const CommandRow kServeExportCommand = {
    .name = "serve export",
    .description = "Write a tenant's pipelines as files for `sluice sync`",
    .footer = kExportFooter,
    .command = Command::kServeExport,
    .add_options = AddExport,
    .before = RunExport};

const CommandRow kServeImportCommand = {
    .name = "serve import",
    .description = "Make pipelines of files that `sluice sync` reads",
    .footer = kImportFooter,
    .command = Command::kServeImport,
    .add_options = AddImport,
    .before = RunImport};

}  // namespace sluice::cli
