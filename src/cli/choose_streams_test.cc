// Goal: what is named on the command line is found, and what is not is told with the nearest.
#include "cli/choose_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

TEST(ChooseStreams, ByNameInTheConfigurationsOrder) {
  std::vector<model::Stream> all(3);
  all[0].name = "sales.orders";
  all[1].name = "b";
  all[2].name = "c";
  EXPECT_EQ(ChooseStreams(all, {}).size(), 3U);
  const auto chosen = ChooseStreams(all, {"c", "sales.orders", "c"});
  ASSERT_EQ(chosen.size(), 2U);
  EXPECT_EQ(chosen[0].name, "sales.orders");
  EXPECT_THAT([&] { ChooseStreams(all, {"sales.order"}); },
              test::ThrowsErrorWith(base::ErrorCode::kInvalidConfig, &base::ErrorInfo::remedy,
                                    HasSubstr("Did you mean sales.orders?")));
  EXPECT_THAT([&] { ChooseStreams(all, {"elsewhere"}); },
              test::ThrowsErrorWith(base::ErrorCode::kInvalidConfig, &base::ErrorInfo::remedy,
                                    HasSubstr("\n  b\n")));
  EXPECT_THAT([&] { ChooseStreams({}, {}); },
              test::ThrowsErrorWith(base::ErrorCode::kInvalidConfig, &base::ErrorInfo::remedy,
                                    HasSubstr("sluice discover")));
}

}  // namespace
}  // namespace sluice::cli
