// Goal: the bytes are PostgreSQL's, value for value, at the limits of every type; what it cannot
// keep is refused by the column's name, and no error tells a value.
#include "destinations/postgres/row_encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "columnar/chunk_reader.h"
#include "tests/support/matchers.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;
using model::TypeKind;

class RowEncoderTest : public ::testing::Test {
 protected:
  // The rows of `select`, each as hex without its count of fields.
  std::vector<std::string> Encode(const std::vector<model::Column>& columns,
                                  const std::string& select) {
    columnar::ChunkReader reader(connection_, select, {"test", "rows"}, {});
    const RowEncoder encoder(columns, "table sales.orders");
    std::vector<std::string> rows;
    while (const auto chunk = reader.Next()) {
      for (std::size_t row = 0; row < chunk->rows();) {
        CopyBuffer buffer;
        row = encoder.Append(*chunk, row, 1, buffer);
        rows.push_back(Hex(buffer.view().substr(2)));
        EXPECT_EQ(Hex(buffer.view().substr(0, 2)), fmt::format("{:04x}", columns.size()));
      }
    }
    return rows;
  }
  std::string One(const model::Type& type, const std::string& value) {
    return Encode({{"v", type}}, "SELECT " + value).at(0);
  }
  static std::string Hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return out;
  }
  std::string Numeric(int precision, int scale, const std::string& value) {
    return One({.kind = TypeKind::kDecimal, .precision = precision, .scale = scale},
               fmt::format("CAST('{}' AS DECIMAL({},{}))", value, precision, scale))
        .substr(8);
  }

  columnar::Database database_ = columnar::Database::Open({.memory_limit_mb = 64, .threads = 1});
  columnar::Connection connection_ = database_.Connect();
};

TEST_F(RowEncoderTest, FramesAStream) {
  CopyBuffer buffer;
  RowEncoder::Begin(buffer);
  RowEncoder::End(buffer);
  EXPECT_EQ(Hex(buffer.view()),
            "5047434f50590aff0d0a00"
            "00000000"
            "00000000"
            "ffff");
}

TEST_F(RowEncoderTest, NumbersInNetworkOrder) {
  EXPECT_EQ(One({TypeKind::kBool}, "true"), "0000000101");
  EXPECT_EQ(One({TypeKind::kBool}, "false"), "0000000100");
  EXPECT_EQ(One({TypeKind::kInt16}, "CAST(-2 AS SMALLINT)"), "00000002fffe");
  EXPECT_EQ(One({TypeKind::kInt32}, "CAST(258 AS INTEGER)"), "0000000400000102");
  EXPECT_EQ(One({TypeKind::kInt64}, "CAST(-9223372036854775808 AS BIGINT)"),
            "000000088000000000000000");
  EXPECT_EQ(One({TypeKind::kFloat32}, "CAST(1.5 AS FLOAT)"), "000000043fc00000");
  EXPECT_EQ(One({TypeKind::kFloat64}, "CAST('-0.0' AS DOUBLE)"), "000000088000000000000000");
  EXPECT_EQ(One({TypeKind::kInt32}, "CAST(NULL AS INTEGER)"), "ffffffff");
}

// Number of groups, weight, sign, decimals, groups.
TEST_F(RowEncoderTest, DecimalsInGroupsOfFour) {
  EXPECT_EQ(Numeric(4, 2, "0"),
            "0000"
            "0000"
            "0000"
            "0002");
  EXPECT_EQ(Numeric(4, 2, "1.25"),
            "0002"
            "0000"
            "0000"
            "0002"
            "0001"
            "09c4");
  EXPECT_EQ(Numeric(4, 2, "-1.25"),
            "0002"
            "0000"
            "4000"
            "0002"
            "0001"
            "09c4");
  EXPECT_EQ(Numeric(9, 4, "12345.6789"),
            "0003"
            "0001"
            "0000"
            "0004"
            "0001"
            "0929"
            "1a85");
  EXPECT_EQ(Numeric(9, 0, "10000"),
            "0001"
            "0001"
            "0000"
            "0000"
            "0001");
  EXPECT_EQ(Numeric(9, 8, "0.00010000"),
            "0001"
            "ffff"
            "0000"
            "0008"
            "0001");
  EXPECT_EQ(Numeric(9, 9, "0.000000001"),
            "0001"
            "fffd"
            "0000"
            "0009"
            "03e8");
  EXPECT_EQ(Numeric(18, 0, "999999999999999999"),
            "0005"
            "0004"
            "0000"
            "0000"
            "0063"
            "270f"
            "270f"
            "270f"
            "270f");
  // The low 64 bits of 2^64 are zero; the groups in between must not be lost.
  EXPECT_EQ(Numeric(38, 0, "18446744073709551616"),
            "0005"
            "0004"
            "0000"
            "0000"
            "0734"
            "1a58"
            "02e1"
            "03bb"
            "0650");
  EXPECT_EQ(Numeric(38, 0, "10000000000000000000000000000000000000"),
            "0001"
            "0009"
            "0000"
            "0000"
            "000a");
  EXPECT_EQ(Numeric(38, 37, "-9.9999999999999999999999999999999999999"),
            "000b"
            "0000"
            "4000"
            "0025"
            "0009"
            "270f270f270f270f270f270f270f270f270f"
            "2328");
  EXPECT_EQ(Numeric(38, 3, "-12345678901234567890123456789012345.678"),
            "000a"
            "0008"
            "4000"
            "0003"
            "007b"
            "11d7"
            "22c5"
            "0929"
            "1a85"
            "007b"
            "11d7"
            "22c5"
            "0929"
            "1a7c");
}

TEST_F(RowEncoderTest, TimesSinceTheYear2000) {
  EXPECT_EQ(One({TypeKind::kDate}, "DATE '2000-01-02'"), "0000000400000001");
  EXPECT_EQ(One({TypeKind::kDate}, "DATE '1999-12-31'"), "00000004ffffffff");
  EXPECT_EQ(One({TypeKind::kTimestamp}, "TIMESTAMP '2000-01-01 00:00:00.000001'"),
            "000000080000000000000001");
  EXPECT_EQ(One({TypeKind::kTimestampTz}, "TIMESTAMPTZ '1999-12-31 23:59:59.999999+00'"),
            "00000008ffffffffffffffff");
  EXPECT_EQ(One({TypeKind::kTime}, "TIME '00:00:00.000002'"), "000000080000000000000002");
  EXPECT_EQ(One({TypeKind::kTime}, "TIME '24:00:00'"), "00000008000000141dd76000");
  // Seconds west of Greenwich.
  EXPECT_EQ(One({TypeKind::kTimeTz}, "CAST('00:00:00.000003+01:00' AS TIME WITH TIME ZONE)"),
            "0000000c"
            "0000000000000003"
            "fffff1f0");
  EXPECT_EQ(One({TypeKind::kTimeTz}, "CAST('23:59:59.999999-15:59' AS TIME WITH TIME ZONE)"),
            "0000000c"
            "000000141dd75fff"
            "0000e0c4");
}

TEST_F(RowEncoderTest, TextsAndBytesAsTheyAre) {
  EXPECT_EQ(One({TypeKind::kVarchar}, "''"), "00000000");
  EXPECT_EQ(One({TypeKind::kVarchar}, "'ö'"), "00000002c3b6");
  EXPECT_EQ(One({TypeKind::kVarchar}, "repeat('a', 13)"), "0000000d61616161616161616161616161");
  EXPECT_EQ(One({TypeKind::kSuper}, "CAST('{}' AS VARCHAR)"), "000000027b7d");
  EXPECT_EQ(One({TypeKind::kVarbyte}, "CAST('\\x00\\xFF' AS BLOB)"), "0000000200ff");
}

TEST_F(RowEncoderTest, RowsOfManyColumnsWithNulls) {
  EXPECT_THAT(
      Encode({{"a", {TypeKind::kInt32}}, {"b", {TypeKind::kVarchar}}, {"c", {TypeKind::kBool}}},
             "SELECT CAST(n AS INTEGER), t, b FROM (VALUES (1, 'x', NULL), (NULL, NULL, true)) AS "
             "v(n, t, b)"),
      ::testing::ElementsAre("0000000400000001"
                             "0000000178"
                             "ffffffff",
                             "ffffffff"
                             "ffffffff"
                             "0000000101"));
}

TEST_F(RowEncoderTest, StopsAtTheSizeItWasGiven) {
  columnar::ChunkReader reader(connection_, "SELECT repeat('x', 1000) FROM range(2000)",
                               {"test", "rows"}, {});
  const RowEncoder encoder({{"v", {TypeKind::kVarchar}}}, "t");
  const auto chunk = reader.Next();
  CopyBuffer buffer;
  EXPECT_EQ(encoder.Append(*chunk, 0, 10'000, buffer), 10U);
  EXPECT_EQ(buffer.size(), 10U * 1006);
  EXPECT_EQ(encoder.Append(*chunk, 1998, 10'000'000, buffer), 2000U);
}

TEST_F(RowEncoderTest, RefusesNulBytesByColumn) {
  for (const char* value : {"'secret' || chr(0)", "repeat('secret', 10) || chr(0) || 'x'"}) {
    EXPECT_THAT(
        [&] {
          Encode({{"a", {TypeKind::kInt32}}, {"note", {TypeKind::kVarchar}}},
                 fmt::format("SELECT CAST(1 AS INTEGER), {}", value));
        },
        ::testing::Throws<base::Error>(::testing::AllOf(
            ::testing::Property(&base::Error::code, ErrorCode::kUnsupported),
            ::testing::Property(
                &base::Error::info,
                ::testing::AllOf(
                    ::testing::Field(&base::ErrorInfo::subject,
                                     "column note of table sales.orders"),
                    ::testing::Field(&base::ErrorInfo::message,
                                     ::testing::Not(::testing::HasSubstr("secret"))),
                    ::testing::Field(&base::ErrorInfo::remedy,
                                     ::testing::HasSubstr("replace(note, chr(0), '')")))))));
  }
}

TEST_F(RowEncoderTest, RefusesTimesThatHaveNoForm) {
  EXPECT_THAT([&] { One({TypeKind::kTimestamp}, "TIMESTAMP '290307-01-01 (BC) 00:00:00'"); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::subject,
                                    "column v of table sales.orders"));
}

}  // namespace
}  // namespace sluice::destinations::postgres
