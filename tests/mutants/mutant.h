// The switch of the defects in mutants.toml. In the product there is none: tools/mutate.py writes
// it into copies.
#pragma once
#include <stdlib.h>

#include <string_view>

namespace sluice::test {

inline bool Mutant(std::string_view name) {
  const char* on = getenv("SLUICE_MUTANT");
  return on != nullptr && name == on;
}

}  // namespace sluice::test
