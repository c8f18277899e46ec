// Goal: whatever others wrote into the state table, it is read without harm.
#include "destinations/sql/state_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace sluice::destinations::sql {
namespace {

using ::testing::Optional;

using Row = std::array<std::optional<std::string>, 13>;

Row WithTime(std::string micros) {
  Row row;
  row[9] = std::move(micros);
  return row;
}

TEST(ReadStateRow, ReadsEachCellAtItsPlace) {
  const Row row = {"r", "a", "7", "1", "2", "3", "4", "5", "c", "1000000", "6", "8", "5a"};
  const Committed read = ReadStateRow("sales.orders", row);
  EXPECT_EQ(read.watermark.run, "r");
  EXPECT_EQ(read.watermark.attempt, "a");
  EXPECT_THAT(read.watermark.value, Optional(std::string("7")));
  EXPECT_THAT(read.watermark.cursor, Optional(std::string("c")));
  EXPECT_THAT(read.watermark.keys_compared, Optional(base::UtcTime(std::chrono::seconds(1))));
  EXPECT_THAT(read.watermark.shape, Optional(std::string("5a")));
  EXPECT_EQ(read.counts.inserted, 1U);
  EXPECT_EQ(read.counts.updated, 2U);
  EXPECT_EQ(read.counts.unchanged, 3U);
  EXPECT_EQ(read.counts.deleted, 4U);
  EXPECT_EQ(read.counts.skipped, 5U);
  EXPECT_EQ(read.counts.duplicates, 6U);
  EXPECT_EQ(read.counts.deleted_absent, 8U);
}

TEST(ReadStateRow, TakesATimeThatNoClockTellsForNone) {
  for (const char* micros : {"9223372036854775807", "-9223372036854775808", "2144444444444444444",
                             "99999999999999999999", "", "x", "1x"}) {
    EXPECT_EQ(ReadStateRow("s", WithTime(micros)).watermark.keys_compared, std::nullopt) << micros;
  }
  EXPECT_THAT(ReadStateRow("s", WithTime("-1")).watermark.keys_compared,
              Optional(base::UtcTime(-std::chrono::microseconds(1))));
}

}  // namespace
}  // namespace sluice::destinations::sql
