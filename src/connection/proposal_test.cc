// Goal: a proposal never loses a change, and says why it is made.
#include "connection/proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::connection {
namespace {
using model::SyncMode;
using model::WriteMode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const model::Type kTime{.kind = model::TypeKind::kTimestamp};
const model::Type kNumber{.kind = model::TypeKind::kInt64};

TEST(Propose, MergesByTheDeclaredKeyAndTheTimeOfTheLastChange) {
  const auto proposal = Propose(
      {"s", "orders"}, {{"id", kNumber}, {"no", kNumber}, {"Updated_At", kTime}}, {"no", "id"});
  EXPECT_EQ(proposal.sync_mode, SyncMode::kIncremental);
  EXPECT_EQ(proposal.write_mode, WriteMode::kMerge);
  EXPECT_EQ(proposal.cursor, "Updated_At");
  EXPECT_THAT(proposal.primary_key, ElementsAre("no", "id"));
  EXPECT_THAT(proposal.reason, HasSubstr("no, id is the declared key, which Redshift does not"));
}

TEST(Propose, TakesAKeyByItsName) {
  for (const auto* name : {"id", "order_id", "OrderID", "orders_id"}) {
    EXPECT_THAT(Propose({"s", "orders"}, {{name, kNumber}}, {}).primary_key, ElementsAre(name));
  }
  EXPECT_THAT(Propose({"s", "countries"}, {{"country_id", kNumber}}, {}).primary_key,
              ElementsAre("country_id"));
  EXPECT_THAT(Propose({"s", "orders"}, {{"customer_id", kNumber}}, {}).primary_key, IsEmpty());
}

TEST(Propose, ReadsEverythingWhereACursorWouldLoseChanges) {
  const std::vector<std::vector<model::Column>> tables = {
      {{"id", kNumber}, {"created_at", kTime}},   // changed rows would not be seen
      {{"x", kNumber}, {"updated_at", kTime}},    // there is no key to merge by
      {{"id", kNumber}, {"updated_at", kNumber}}  // is it a time?
  };
  for (const auto& columns : tables) {
    const auto proposal = Propose({"s", "t"}, columns, {});
    EXPECT_EQ(proposal.sync_mode, SyncMode::kFullRefresh);
    EXPECT_EQ(proposal.cursor, std::nullopt);
    EXPECT_FALSE(proposal.reason.empty());
  }
  EXPECT_THAT(Propose({"s", "t"}, tables[0], {}).reason, HasSubstr("set once"));
  EXPECT_THAT(Propose({"s", "t"}, tables[1], {}).reason, HasSubstr("no key to merge by"));
}

}  // namespace
}  // namespace sluice::connection
