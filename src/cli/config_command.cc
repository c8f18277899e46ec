// `sluice config validate` and `sluice config schema`.
#include "cli/command_table.h"
#include "cli/screens.h"
#include "config/schema.h"
#include "contract/documents.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kConfigFooter = R"(
Examples:
  sluice config validate
  sluice -c acme.yaml config validate
  sluice config schema > sluice.schema.json)";

int Validate(const Context& context, const config::Config& config) {
  context.out(context.line.json ? contract::ValidJson(config)
                                : ValidScreen(config, context.out_style));
  return contract::kDone;
}

std::optional<int> PrintSchema(const Context& context) {
  context.out(config::JsonSchema());
  return contract::kDone;
}

}  // namespace

const CommandRow kConfigGroup = {.name = "config",
                                 .description = "Look at the configuration; contacts nobody",
                                 .footer = kConfigFooter};

const CommandRow kConfigValidateCommand = {.name = "config validate",
                                           .description = "Is it right? Tells all problems at once",
                                           .footer = "",
                                           .command = Command::kConfigValidate,
                                           .run = Validate};

const CommandRow kConfigSchemaCommand = {
    .name = "config schema",
    .description = "Print the JSON Schema of sluice.yaml, for editors",
    .footer = "",
    .command = Command::kConfigSchema,
    .before = PrintSchema};

}  // namespace sluice::cli
