// The results as a person reads them on standard output. Pure; any thread. Golden texts of all in
// screens_test.cc.
#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "check/check.h"
#include "cli/discovery.h"
#include "cli/style.h"
#include "config/config.h"
#include "sync/run.h"

namespace sluice::cli {

// What failed, what it concerns, what was seen, what to do.
std::string ErrorScreen(const base::ErrorInfo& error, const Style& style);

// All problems of a configuration, each with its place and remedy.
std::string ProblemsScreen(const std::filesystem::path& file,
                           const std::vector<config::Problem>& problems, const Style& style);
std::string ValidScreen(const config::Config& config, const Style& style);

std::string CheckHeader(const config::Config& config, const Style& style);
// One finding, as soon as it is made.
std::string FindingScreen(const check::Finding& finding, const Style& style);
std::string CheckFooter(const check::Findings& findings, const Style& style);

std::string DiscoverScreen(const std::vector<DiscoveredSchema>& schemas, const Style& style);

std::string PlanScreen(const std::vector<sync::StreamPlan>& plans, const std::string& destination,
                       const Style& style);
// Table of streams with their proofs, totals, then what failed and what is left to do.
std::string SyncScreen(const sync::RunResult& result, const std::string& destination,
                       const Style& style);

}  // namespace sluice::cli
