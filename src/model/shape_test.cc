// Goal: a name in snake case is the one that a person would have written.
#include "model/shape.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace sluice::model {
namespace {

TEST(SnakeCase, IsTheNameThatAPersonWouldWrite) {
  constexpr std::array<std::pair<const char*, const char*>, 19> kNames = {
      {{"OrderID", "order_id"},
       {"orderId", "order_id"},
       {"Order ID", "order_id"},
       {"order_id", "order_id"},
       {"ORDER_ID", "order_id"},
       {"ORDERID", "orderid"},
       {"HTTPServer", "http_server"},
       {"Utf8Text", "utf8_text"},
       {"line1Total", "line1_total"},
       {"a--b", "a_b"},
       {"a b ", "a_b"},
       {"_id", "_id"},
       {"__Meta", "__meta"},
       {"Größe", "größe"},
       {"ÄnderungsDatum", "Änderungs_datum"},
       {"1st", "1st"},
       {"---", "---"},
       {"", ""},
       {"价格USD", "价格_usd"}}};
  for (const auto& [name, snake] : kNames) EXPECT_EQ(SnakeCase(name), snake) << name;
}

TEST(SnakeCase, ChangesNothingTheSecondTime) {
  for (const auto* name : {"OrderID", "HTTPServer", "__Meta", "a--b", "价格USD"}) {
    EXPECT_EQ(SnakeCase(SnakeCase(name)), SnakeCase(name)) << name;
  }
}

TEST(Shape, OfNoWishChangesNothing) {
  EXPECT_FALSE(Shape{}.Changes());
  EXPECT_TRUE(Shape{.where = "a = 1"}.Changes());
  EXPECT_TRUE(Shape{.add_source = true}.Changes());
}

}  // namespace
}  // namespace sluice::model
