#include "destinations/destination.h"

namespace sluice::destinations {

LoadedRows Load::AddStaged(std::span<const model::Part>, const base::Call&) {
  throw base::Error({.code = base::ErrorCode::kInternal,
                     .operation = "load",
                     .subject = "staged parts",
                     .message = "this destination takes fetched parts only"});
}

bool Destination::TakesStaged(const model::StreamTarget&, const base::Call&) { return false; }

}  // namespace sluice::destinations
