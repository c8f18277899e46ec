// What a run cost, in a line. Pure; any thread.
#pragma once
#include <string>

#include "model/cost.h"

namespace sluice::cli {

// "1 wake-up, 60 s billed (480 RPU-seconds: 0.05), 14 S3 requests (9 PUT or LIST, 5 GET), 12.1 kB
// staged, 12.4 kB moved". Without what is not known.
std::string CostText(const model::RunCost& cost);

}  // namespace sluice::cli
