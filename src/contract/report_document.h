// The file of `check --report`: what was found and answered, and by what. See docs/CLI_JSON.md.
// Pure but for the names and versions of this machine's system and libraries.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "check/check.h"
#include "config/config.h"
#include "report/masking.h"

namespace sluice::contract {

// `answers`: as report::Recorder wrote them. kHidden: of findings and configuration only what is
// nobody's name.
std::string ReportJson(const config::Config& config, const check::Findings& findings,
                       const nlohmann::ordered_json& answers, report::Names names);

}  // namespace sluice::contract
