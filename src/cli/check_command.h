// `sluice check`, which `sluice init` runs too.
#pragma once
#include "cli/command.h"

namespace sluice::cli {

int RunCheck(const Context& context, const config::Config& config);

extern const CommandRow kCheckCommand;

}  // namespace sluice::cli
