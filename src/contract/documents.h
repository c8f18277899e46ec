// The results as programs read them: docs/CLI_JSON.md is the promise, documents_test.cc and
// contract_test.cc hold this against it. Each is one JSON document with a line end. Pure; any
// thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "check/check.h"
#include "config/config.h"
#include "connection/discovery.h"
#include "connection/preview.h"
#include "connection/setup_facts.h"
#include "setup/parts.h"
#include "sync/chosen_streams.h"
#include "sync/estimate.h"
#include "sync/run.h"

namespace sluice::contract {

// What `init` did.
struct InitOutcome {
  std::string file;
  bool written = false;                    // false: it said so already
  std::optional<std::string> secret_file;  // written beside it
  std::vector<std::string> variables;      // of the environment, to be set before anything else
};

std::string ErrorJson(std::string_view command, const base::ErrorInfo& error);
std::string ProblemsJson(std::string_view command, const std::filesystem::path& file,
                         const std::vector<config::Problem>& problems);
std::string InitJson(const InitOutcome& outcome);
std::string ValidJson(const config::Config& config);
std::string CheckJson(const check::Findings& findings);
// Every finding there is: check::FindingKinds().
std::string FindingKindsJson();
// Every type there is: connection::TypeTable().
std::string TypesJson();
// `written`: streams that --write added to the file.
std::string DiscoverJson(const std::vector<connection::DiscoveredSchema>& schemas,
                         const std::vector<std::string>& written = {});
// `chosen`: what the choice of tables by pattern told.
std::string PlanJson(const std::vector<sync::Planned>& plans, const std::string& destination,
                     const sync::ChosenStreams& chosen = {},
                     const sync::RunEstimate& estimate = {});
std::string SyncJson(const sync::RunResult& result, const std::string& destination,
                     const sync::ChosenStreams& chosen = {});
std::string PreviewJson(const connection::Preview& preview);

// Parts as setup::Parts makes them of `made`.
std::string SetupJson(const std::vector<setup::Part>& parts, const connection::SetupFacts& made);

}  // namespace sluice::contract
