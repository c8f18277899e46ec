#include "base/random.h"

#include <random>

namespace sluice::base {

std::uint64_t RandomBits() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) + device();
}

}  // namespace sluice::base
