// Goal: an estimate says what the same sync cost the last time, and does not hide what it cannot
// know.
#include "sync/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sync {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<model::Stream> Streams(const std::vector<std::string>& names) {
  std::vector<model::Stream> streams;
  for (const auto& name : names) streams.push_back({.name = name});
  return streams;
}

// A run of three streams, whose numbers three does not divide.
History ThreeInOneRun() {
  const model::RunCost cost{.wake_ups = 2,
                            .billed = milliseconds(100'000),
                            .rpus = 8,
                            .s3 = {.put = 10, .get = 11, .free = 1},
                            .bytes_staged = 600,
                            .bytes_moved = 1000};
  History history;
  for (const char* name : {"a", "b", "c"}) {
    history.last_costs.push_back({.stream = name, .cost = cost, .streams = 3, .bytes = 200});
  }
  return history;
}

TEST(Estimate, OfTheSameStreamsIsWhatTheirRunCost) {
  const auto estimate = Estimate(Streams({"a", "b", "c"}), ThreeInOneRun(), 0.36);
  EXPECT_THAT(estimate.unknown, IsEmpty());
  EXPECT_EQ(estimate.cost.wake_ups, 1U);
  EXPECT_EQ(estimate.cost.billed, seconds(100));
  EXPECT_EQ(estimate.cost.s3, (model::S3Requests{.put = 10, .get = 11, .free = 1}));
  EXPECT_EQ(estimate.cost.bytes_staged, 600U);
  EXPECT_EQ(estimate.cost.bytes_moved, 1000U);
  EXPECT_EQ(estimate.cost.rpu_seconds, 800.0);
  EXPECT_DOUBLE_EQ(estimate.cost.amount.value(), 0.08);
}

TEST(Estimate, OfFewerStreamsIsTheirShareButNeverLessThanAMinute) {
  const auto estimate = Estimate(Streams({"b"}), ThreeInOneRun(), std::nullopt);
  EXPECT_EQ(estimate.cost.billed, seconds(60));
  EXPECT_EQ(estimate.cost.s3, (model::S3Requests{.put = 3, .get = 4, .free = 0}));
  EXPECT_EQ(estimate.cost.bytes_staged, 200U);
  EXPECT_EQ(estimate.cost.amount, std::nullopt);
}

TEST(Estimate, NamesTheStreamsThatItKnowsNothingOf) {
  const auto estimate = Estimate(Streams({"new", "a", "other"}), ThreeInOneRun(), 0.36);
  EXPECT_THAT(estimate.unknown, ElementsAre("new", "other"));
  EXPECT_EQ(estimate.cost.bytes_staged, 200U);
}

TEST(Estimate, OfNothingIsNothing) {
  EXPECT_EQ(Estimate({}, ThreeInOneRun(), 0.36).cost, model::RunCost());
}

}  // namespace
}  // namespace sluice::sync
