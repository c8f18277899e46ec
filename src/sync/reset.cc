#include "sync/reset.h"

#include <utility>

#include "sync/ledger/ledger.h"

namespace sluice::sync {

void Reset(const std::vector<std::string>& streams, const std::filesystem::path& ledger,
           const std::function<std::unique_ptr<destinations::Destination>()>& open,
           const base::Clock& clock, std::stop_token stop,
           const std::function<void(const std::string& stream)>& told) {
  Ledger held(ledger, clock);
  const auto destination = open();
  const base::Call call{.deadline = base::Deadline::Never(), .stop = std::move(stop)};
  for (const auto& stream : streams) {
    // In this order: whatever dies between two of them, nothing that was read before is loaded.
    held.Abandon(stream);
    destination->Forget(stream, call);
    held.NoteReset(stream);
    if (told) told(stream);
  }
  destination->Close();
}

}  // namespace sluice::sync
