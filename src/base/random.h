// Bits nobody can guess, for names that must not meet.
#pragma once
#include <cstdint>

namespace sluice::base {

// 64 bits from the operating system. Any thread.
std::uint64_t RandomBits();

}  // namespace sluice::base
