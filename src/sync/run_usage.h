// What a run cost, put together: what was counted on this side, and what the workgroup says itself.
#pragma once
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "model/cost.h"
#include "redshift/session.h"
#include "redshift/usage.h"
#include "sync/run.h"

namespace sluice::sync {

// Asks the workgroup once, when the last stream has been read, and only while a statement wakes
// nobody. Thread-safe. REQUIRES: `options` and `parts` outlive it.
class RunUsage {
 public:
  RunUsage(std::size_t streams, const RunOptions& options, const RunParts& parts,
           base::UtcTime began)
      : streams_(streams), options_(options), parts_(parts), began_(began) {}

  // `stream` needs no more statements, or failed; told twice, the first counts. `session`: the one
  // that read it, not in a transaction; null if there is none. Does not throw: a run does not fail
  // for want of a figure.
  void ReadEnded(const std::string& stream, redshift::Session* session) noexcept;

  // nullopt if nobody counted.
  std::optional<model::RunCost> Cost(const std::vector<StreamResult>& streams) const;

 private:
  void Ask(redshift::Session& session);

  const std::size_t streams_;
  const RunOptions& options_;
  const RunParts& parts_;
  const base::UtcTime began_;
  mutable std::mutex mu_;
  std::set<std::string> ended_;            // guarded by mu_
  std::optional<redshift::Usage> answer_;  // guarded by mu_
};

}  // namespace sluice::sync
