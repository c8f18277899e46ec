#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::base {
namespace {

TEST(Random, FillsAllBitsAndDoesNotRepeat) {
  std::uint64_t ones = 0;
  std::uint64_t zeros = 0;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto bits = RandomBits();
    ones |= bits;
    zeros |= ~bits;
    seen.insert(bits);
  }
  EXPECT_EQ(ones, ~std::uint64_t{0});
  EXPECT_EQ(zeros, ~std::uint64_t{0});
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace sluice::base
