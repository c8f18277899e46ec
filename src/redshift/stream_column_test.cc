// Goal: whoever misspells a column, or leaves it out of the selection, is told what to write
// instead.
#include "redshift/stream_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<model::Column> kKeyColumns = {
    {.name = "order_id", .type = {.kind = model::TypeKind::kInt64}},
    {.name = "Updated At", .type = {.kind = model::TypeKind::kTimestamp}},
    {.name = "total", .type = {.kind = model::TypeKind::kDecimal, .precision = 18, .scale = 2}}};

base::ErrorInfo Refused(const model::Stream& stream, const std::string& name,
                        std::string_view field) {
  try {
    StreamColumn(stream, kKeyColumns, name, field);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ErrorCode::kNotFound);
    EXPECT_EQ(error.info().reason, "no_stream_column");
    return error.info();
  }
  ADD_FAILURE() << name << " was found";
  return {};
}

TEST(StreamColumn, FindsTheExactNameOnly) {
  EXPECT_EQ(&StreamColumn({.name = "o"}, kKeyColumns, "total", "cursor"), &kKeyColumns[2]);
  EXPECT_THAT(Refused({.name = "o"}, "Total", "cursor").remedy,
              HasSubstr("Did you mean total? In the stream:\n  cursor: total"));
}

TEST(StreamColumn, ProposesWhatCanBePasted) {
  EXPECT_THAT(Refused({.name = "o"}, "updated at", "cursor").remedy,
              HasSubstr("\n  cursor: 'Updated At'"));
  EXPECT_THAT(
      Refused({.name = "o", .primary_key = {"total", "order_ids"}}, "order_ids", "primary_key")
          .remedy,
      HasSubstr("\n  primary_key: [total, order_id]"));
  model::Stream split{.name = "o"};
  split.split = model::Split{.pieces = 4, .column = "orderid"};
  EXPECT_THAT(Refused(split, "orderid", "split.column").remedy,
              HasSubstr("\n  split: { column: order_id, pieces: 4 }"));
  model::Stream deletes{.name = "o"};
  deletes.deletes = {.column = "totall", .keep_flagged = true};
  EXPECT_THAT(Refused(deletes, "totall", "deletes.column").remedy,
              HasSubstr("\n  deletes: { column: total, keep: true }"));
}

TEST(StreamColumn, WhatTheSelectionLacksIsToBeAddedToIt) {
  const auto error =
      Refused({.name = "o", .columns = {"order_id", "total"}}, "created", "primary_key");
  EXPECT_THAT(error.message, HasSubstr("not among the stream's `columns`"));
  EXPECT_THAT(error.remedy, HasSubstr("\n  columns: [order_id, total, created]"));
}

TEST(StreamColumn, WithoutANearNameSomeOfThemAreListed) {
  EXPECT_THAT(Refused({.name = "o"}, "x", "cursor").remedy,
              HasSubstr("The stream has: order_id, Updated At, total"));
  std::vector<model::Column> wide;
  for (int i = 0; i < 1600; ++i) wide.push_back({.name = "column_" + std::to_string(i)});
  EXPECT_THAT([&] { StreamColumn({.name = "o"}, wide, "x", "cursor"); },
              test::ThrowsError(base::ErrorCode::kNotFound));
  try {
    StreamColumn({.name = "o"}, wide, "x", "cursor");
  } catch (const base::Error& error) {
    EXPECT_THAT(error.info().remedy,
                AllOf(HasSubstr("among others: column_0"), Not(HasSubstr("column_20"))));
  }
}

TEST(YamlName, QuotesWhatYamlWouldReadOtherwise) {
  EXPECT_EQ(YamlName("a_1"), "a_1");
  for (const char* name : {"1a", "yes", "NULL", "a b", "a:b", "", "#a", "-", "~"}) {
    EXPECT_EQ(YamlName(name), "'" + std::string(name) + "'");
  }
  EXPECT_EQ(YamlName("it's"), "'it''s'");
}

}  // namespace
}  // namespace sluice::redshift
