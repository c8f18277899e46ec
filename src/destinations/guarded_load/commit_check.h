// What must hold before any destination commits. Pure; any thread.
#pragma once
#include <cstdint>

#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::guarded_load {

// Throws kCorrupt unless the proof's counts agree with each other and with `rows`, which is what
// the load itself took.
void RequireProof(const model::StreamTarget& target, const model::Proof& proof, std::uint64_t rows);

}  // namespace sluice::destinations::guarded_load
