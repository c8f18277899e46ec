// The results as a person reads them on standard output. Pure; any thread. Golden texts of all in
// screens_test.cc.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "check/check.h"
#include "cli/style.h"
#include "config/config.h"
#include "connection/discovery.h"
#include "sync/estimate.h"
#include "sync/run.h"

namespace sluice::cli {

// What failed, what it concerns, what was seen, what to do.
std::string ErrorScreen(const base::ErrorInfo& error, const Style& style);

// All problems of a configuration, each with its place and remedy.
std::string ProblemsScreen(const std::filesystem::path& file,
                           const std::vector<config::Problem>& problems, const Style& style);
std::string ValidScreen(const config::Config& config, const Style& style);

std::string CheckHeader(const config::Config& config, const Style& style);
std::string FindingScreen(const check::Finding& finding, const Style& style);
// Findings as they are made, each as soon as it is; streams that can be read are told in one line.
class FindingPrinter {
 public:
  FindingPrinter(std::size_t streams, Style style) : streams_(streams), style_(style) {}
  // What to print now; may be empty.
  std::string Add(const check::Finding& finding);
  // What was held back; call it after the last.
  std::string Rest();

 private:
  const std::size_t streams_;  // configured; 0: not known
  const Style style_;
  std::size_t readable_ = 0;
  std::string other_;  // the only one's own text
};
std::string CheckFooter(const check::Findings& findings, const Style& style);

std::string DiscoverScreen(const std::vector<connection::DiscoveredSchema>& schemas,
                           const Style& style);

std::string PlanScreen(const std::vector<sync::Planned>& plans, const std::string& destination,
                       const Style& style, const std::optional<sync::RunEstimate>& estimate = {});
// Table of streams with their proofs, totals, then what failed and what is left to do.
std::string SyncScreen(const sync::RunResult& result, const std::string& destination,
                       const Style& style);

}  // namespace sluice::cli
