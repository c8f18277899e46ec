// `sluice setup`: prints what the administrator runs, and applies nothing. Each part alone is text
// that can be applied as it stands; what a person should know beside it goes to standard error.
#pragma once
#include <string>
#include <vector>

#include "cli/style.h"
#include "connection/setup_facts.h"
#include "setup/parts.h"

namespace sluice::cli {

std::string SetupScreen(const std::vector<setup::Part>& parts, const setup::Facts& facts,
                        const Style& style);

}  // namespace sluice::cli
