// Goal: no tenant waits behind another one's heap of runs, and no two runs meet in one pipeline or
// one destination.
#include "serve/runs/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const base::SteadyTime kQueueNow{std::chrono::hours(1)};

QueueEntry Entry(const std::string& run, const std::string& tenant) {
  return {.run = run, .tenant = tenant, .pipeline = "p-" + run, .destination = "d-" + run};
}

struct Given {
  std::vector<QueueEntry> waiting;
  std::vector<QueueEntry> running = {};
  int overall = 10;
  int per_tenant = 10;
  std::map<std::string, base::SteadyTime> last_began = {};
};

std::vector<std::string> Choose(const Given& given) {
  return ChooseRuns(
      given.waiting, given.running,
      {.overall = given.overall, .of_tenant = [&](const auto&) { return given.per_tenant; }},
      given.last_began, kQueueNow);
}

TEST(Queue, TenantsTakeTurnsHoweverMuchOneHasPutIn) {
  EXPECT_THAT(Choose({.waiting = {Entry("a1", "a"), Entry("a2", "a"), Entry("a3", "a"),
                                  Entry("b1", "b"), Entry("c1", "c")},
                      .overall = 4}),
              ElementsAre("a1", "b1", "c1", "a2"));
}

TEST(Queue, WhoHasNothingUnderWayComesFirst) {
  EXPECT_THAT(Choose({.waiting = {Entry("a2", "a"), Entry("b1", "b")},
                      .running = {Entry("a1", "a")},
                      .overall = 2}),
              ElementsAre("b1"));
}

TEST(Queue, OfThoseWhoHaveAsMuchWhoseTurnIsLongestAgo) {
  EXPECT_THAT(
      Choose({.waiting = {Entry("a1", "a"), Entry("b1", "b"), Entry("c1", "c")},
              .overall = 2,
              .last_began = {{"a", kQueueNow}, {"b", kQueueNow - std::chrono::minutes(1)}}}),
      ElementsAre("c1", "b1"));
}

TEST(Queue, LimitsOverallAndOfATenant) {
  const std::vector<QueueEntry> waiting = {Entry("a1", "a"), Entry("a2", "a"), Entry("b1", "b")};
  EXPECT_THAT(Choose({.waiting = waiting, .per_tenant = 1}), ElementsAre("a1", "b1"));
  EXPECT_THAT(Choose({.waiting = waiting, .running = {Entry("x", "x")}, .overall = 1}), IsEmpty());
  EXPECT_THAT(Choose({.waiting = waiting, .running = {Entry("a0", "a")}, .per_tenant = 1}),
              ElementsAre("b1"));
  EXPECT_THAT(Choose({.waiting = waiting, .per_tenant = 0}), IsEmpty());
}

TEST(Queue, OneRunForAPipelineAndForADestinationAndOthersPass) {
  QueueEntry same_pipeline = Entry("a2", "a");
  same_pipeline.pipeline = "p-a1";
  QueueEntry same_destination = Entry("a3", "a");
  same_destination.destination = "d-a1";
  const auto other = Entry("a4", "a");
  EXPECT_THAT(
      Choose({.waiting = {same_pipeline, same_destination, other}, .running = {Entry("a1", "a")}}),
      ElementsAre("a4"));
  EXPECT_THAT(Choose({.waiting = {Entry("a1", "a"), same_pipeline, same_destination, other}}),
              ElementsAre("a1", "a4"));
}

}  // namespace
}  // namespace sluice::serve
