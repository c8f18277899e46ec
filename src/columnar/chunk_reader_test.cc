// Goal: every type that a part can have comes out of a chunk as it went in, however many chunks
// there are, and a failure in the middle is told, not taken for the end.
#include "columnar/chunk_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "tests/support/matchers.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;

const Task kReadTask{"read", "rows"};

class ChunkReaderTest : public testing::Test {
 protected:
  Database database_ = Database::Open({.memory_limit_mb = 64, .threads = 2});
  Connection connection_ = database_.Connect();
};

std::string_view TextAt(const Vector& vector, std::size_t row) {
  return static_cast<const BytesCell*>(vector.data)[row].view();
}

TEST_F(ChunkReaderTest, GivesEveryRowOnce) {
  ChunkReader reader(connection_, "SELECT range, 't' || range FROM range(100000)", kReadTask, {});
  std::vector<bool> seen(100'000);
  while (const auto chunk = reader.Next()) {
    const Vector& numbers = chunk->columns()[0];
    for (std::size_t row = 0; row < chunk->rows(); ++row) {
      const auto n = numbers.At<std::int64_t>(row);
      EXPECT_FALSE(seen[static_cast<std::size_t>(n)]);
      seen[static_cast<std::size_t>(n)] = true;
      EXPECT_EQ(TextAt(chunk->columns()[1], row), "t" + std::to_string(n));
    }
  }
  EXPECT_THAT(seen, testing::Each(true));
  EXPECT_FALSE(reader.Next());
}

TEST_F(ChunkReaderTest, TellsHowValuesLie) {
  ChunkReader reader(
      connection_,
      "SELECT true, CAST(-7 AS SMALLINT), CAST(70000 AS INTEGER), CAST(1 AS BIGINT), CAST(1.5 AS "
      "FLOAT), CAST(2.5 AS DOUBLE), CAST('1.25' AS DECIMAL(4,2)), CAST('-1.25' AS DECIMAL(9,2)), "
      "CAST('1.25' AS DECIMAL(18,2)), CAST('-1.25' AS DECIMAL(38,2)), DATE '1970-01-02', TIME "
      "'00:00:01', CAST('00:00:01+02:30' AS TIME WITH TIME ZONE), TIMESTAMP '1970-01-01 "
      "00:00:00.000002', 'a text that does not fit its cell', CAST('\\x00\\x01' AS BLOB), "
      "CAST(NULL AS INTEGER)",
      kReadTask, {});
  const auto chunk = reader.Next();
  ASSERT_TRUE(chunk);
  const auto columns = chunk->columns();
  using K = VectorKind;
  std::vector<K> kinds;
  for (const Vector& column : columns) kinds.push_back(column.kind);
  EXPECT_EQ(kinds,
            (std::vector<K>{K::kBool, K::kInt16, K::kInt32, K::kInt64, K::kFloat32, K::kFloat64,
                            K::kInt16, K::kInt32, K::kInt64, K::kInt128, K::kInt32, K::kInt64,
                            K::kInt64, K::kInt64, K::kBytes, K::kBytes, K::kInt32}));
  EXPECT_TRUE(columns[0].At<bool>(0));
  EXPECT_EQ(columns[1].At<std::int16_t>(0), -7);
  EXPECT_EQ(columns[6].At<std::int16_t>(0), 125);
  EXPECT_EQ(columns[9].At<std::int64_t>(0), -125);  // the low half
  EXPECT_EQ(columns[10].At<std::int32_t>(0), 1);
  EXPECT_EQ(columns[11].At<std::int64_t>(0), 1'000'000);
  const ZonedTime zoned = SplitZonedTime(columns[12].At<std::uint64_t>(0));
  EXPECT_EQ(zoned.micros, 1'000'000);
  EXPECT_EQ(zoned.offset_seconds, 9000);
  EXPECT_EQ(columns[13].At<std::int64_t>(0), 2);
  EXPECT_EQ(TextAt(columns[14], 0), "a text that does not fit its cell");
  EXPECT_EQ(TextAt(columns[15], 0), std::string_view("\0\1", 2));
  EXPECT_FALSE(columns[2].IsNull(0));
  EXPECT_TRUE(columns[16].IsNull(0));
}

TEST_F(ChunkReaderTest, TellsAFailureInTheMiddle) {
  ChunkReader reader(connection_,
                     "SELECT CASE WHEN range = 5000000 THEN error('boom') ELSE range END FROM "
                     "range(6000000)",
                     kReadTask, {});
  ASSERT_TRUE(reader.Next());
  EXPECT_THAT(
      [&] {
        while (reader.Next()) {
        }
      },
      testing::Throws<base::Error>());
}

TEST_F(ChunkReaderTest, StopsAndLeavesTheConnectionUsable) {
  std::stop_source stop;
  {
    ChunkReader reader(connection_, "SELECT range FROM range(1000000000)", kReadTask,
                       stop.get_token());
    ASSERT_TRUE(reader.Next());
    stop.request_stop();
    EXPECT_THAT(
        [&] {
          while (reader.Next()) {
          }
        },
        test::ThrowsError(ErrorCode::kCancelled));
  }
  EXPECT_EQ(connection_.Run("SELECT CAST(1 AS BIGINT)", {}, kReadTask).rows.size(), 1U);
  EXPECT_THAT([&] { ChunkReader(connection_, "SELECT 1", kReadTask, stop.get_token()); },
              test::ThrowsError(ErrorCode::kCancelled));
}

TEST_F(ChunkReaderTest, MayBeGivenUpHalfWay) {
  { ChunkReader(connection_, "SELECT range FROM range(1000000000)", kReadTask, {}).Next(); }
  EXPECT_EQ(connection_.Run("SELECT CAST(1 AS BIGINT)", {}, kReadTask).rows.size(), 1U);
}

TEST_F(ChunkReaderTest, ChunksOutliveTheReaderAndCrossThreads) {
  std::optional<Chunk> chunk;
  {
    ChunkReader reader(connection_, "SELECT repeat('x', 100) || range FROM range(1000)", kReadTask,
                       {});
    std::jthread([&] { chunk = reader.Next(); }).join();
  }
  EXPECT_EQ(TextAt(chunk->columns()[0], 999), fmt::format("{:x>100}999", ""));
}

TEST_F(ChunkReaderTest, RefusesTypesItDoesNotRead) {
  EXPECT_THAT([&] { ChunkReader(connection_, "SELECT [1, 2]", kReadTask, {}); },
              test::ThrowsError(ErrorCode::kInternal));
}

}  // namespace
}  // namespace sluice::columnar
