// Goal: the tables of a statement are found for remedies; nothing in a text makes the reader fall.
#include "redshift/relations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::redshift {
namespace {

using model::TableName;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RelationsIn, FindsTablesBehindFromAndJoin) {
  EXPECT_THAT(RelationsIn(R"(SELECT 1 FROM "sales"."Or""ders" o JOIN Hr.People p ON true)"),
              ElementsAre(TableName{"sales", "Or\"ders"}, TableName{"hr", "people"}));
  EXPECT_THAT(RelationsIn("select * from dev.sales.orders, x.y"),
              ElementsAre(TableName{"sales", "orders"}));
  EXPECT_THAT(RelationsIn("SELECT 1 FROM a.b WHERE c IN (SELECT d FROM a.b)"),
              ElementsAre(TableName{"a", "b"}));
}

TEST(RelationsIn, LooksIntoUnload) {
  EXPECT_THAT(RelationsIn(R"(UNLOAD ('SELECT ''a\\b'' FROM "sales"."orders"') TO 's3://x/')"),
              ElementsAre(TableName{"sales", "orders"}));
}

TEST(RelationsIn, SkipsLiteralsAndComments) {
  EXPECT_THAT(RelationsIn("SELECT ' from a.b ', 'it\\' from c.d' -- from e.f\n/* from g.h */"),
              IsEmpty());
  EXPECT_THAT(RelationsIn("SELECT \"from\" . x FROM t"), IsEmpty());
}

TEST(RelationsIn, EndsSoundlyWhereverTheTextIsCut) {
  const std::string sql =
      R"(UNLOAD ('SELECT ''a\\'' -- x
/* y */ FROM "sa""les"."orders" JOIN a.b.c') TO 's3')";
  for (std::size_t n = 0; n <= sql.size(); ++n) {
    RelationsIn(sql.substr(0, n));
    RelationsIn(sql.substr(n));
  }
}

TEST(NearestName, ProposesWhatIsNearOnly) {
  EXPECT_EQ(NearestName("totl", {"id", "total", "tax"}), "total");
  EXPECT_EQ(NearestName("CUSTOMER_ID", {"custmer_id", "customer_id"}), "customer_id");
  EXPECT_EQ(NearestName("updatedat", {"created_at", "updated_at"}), "updated_at");
  EXPECT_EQ(NearestName("nmae", {"total", "name"}), "name");
  EXPECT_EQ(NearestName("ordres", {"order_items", "orders"}), "orders");
  EXPECT_EQ(NearestName("xyz", {"total", "tax"}), std::nullopt);
  EXPECT_EQ(NearestName("a", {}), std::nullopt);
  EXPECT_EQ(NearestName("", {"abc"}), std::nullopt);
}

}  // namespace
}  // namespace sluice::redshift
