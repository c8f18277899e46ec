// Goal: what a part says of itself is believed only as far as its bytes go, and what its rows take
// once they are unfolded is known before DuckDB unfolds them.
#include "columnar/part_outline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "columnar/database.h"
#include "columnar/engine_share.h"
#include "columnar/page_walk.h"
#include "columnar/part_select.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {

using base::ErrorCode;
using model::TypeKind;
using testing::HasSubstr;

const Task kTask{"test", "a part"};
constexpr std::uint64_t kMb = 1U << 20U;

class PartOutlineTest : public testing::Test {
 protected:
  // A part of `select`'s rows, as DuckDB writes it.
  model::LocalPart Write(const std::string& select, const std::string& options = "") {
    const auto file = dir_.path() / fmt::format("{}.parquet", ++files_);
    connection_.Run(fmt::format("COPY ({}) TO '{}' (FORMAT parquet{})", select, file.string(),
                                options.empty() ? "" : ", " + options),
                    {}, kTask);
    return {{.key = "a part"}, file};
  }
  model::LocalPart Bytes(const std::string& bytes) {
    const auto file = dir_.path() / fmt::format("{}.parquet", ++files_);
    std::ofstream(file, std::ios::binary) << bytes;
    return {{.key = "a part"}, file};
  }
  static std::string Read(const model::LocalPart& part) {
    std::ifstream in(part.file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string FooterOf(const std::string& file) {
    const std::uint32_t length = LittleEndian32(file.data() + file.size() - 8);
    return file.substr(file.size() - 8 - length, length);
  }
  PartWidth WidthOf(const model::LocalPart& part) { return MeasureWidth(part, ReadOutline(part)); }
  Width Tally(const std::vector<model::LocalPart>& parts) {
    const std::vector<model::Column> columns = {{"v", {TypeKind::kVarchar}}};
    WidthTally tally;
    return tally.Add(connection_, CheckParts(connection_, parts, columns, {}), columns, {});
  }

  test::TempDir dir_;
  int files_ = 0;
  Database database_ = Database::Open({.threads = 1});
  Connection connection_ = database_.Connect();
};

TEST_F(PartOutlineTest, TellsRowsAndColumns) {
  const auto outline = ReadOutline(
      Write("SELECT i, CAST(i AS VARCHAR) AS v FROM range(5000) r(i)", "ROW_GROUP_SIZE 2048"));
  EXPECT_EQ(outline.rows, 5000);
  ASSERT_EQ(outline.row_groups.size(), 3);
  EXPECT_EQ(outline.row_groups[0].chunks.size(), 2);
  EXPECT_EQ(outline.row_groups[0].chunks[1].physical, Physical::kByteArray);
  EXPECT_GT(outline.plain_bytes(), 5000 * 8);
}

TEST_F(PartOutlineTest, RefusesEveryFooterThatIsCutOff) {
  const std::string file = Read(Write("SELECT 1 AS i, 'x' AS v"));
  const std::string footer = FooterOf(file);
  for (std::size_t length = 0; length < footer.size(); ++length) {
    EXPECT_THROW(ParseFooter(footer.substr(0, length), file.size()), BrokenStructure) << length;
  }
  EXPECT_EQ(ParseFooter(footer, file.size()).rows, 1);
}

TEST_F(PartOutlineTest, OutlivesEveryDamagedByte) {
  const std::string whole = Read(Write("SELECT i, 'text ' || i AS v FROM range(100) r(i)"));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string file = whole;
    file[at] = static_cast<char>(~file[at]);
    try {
      WidthOf(Bytes(file));
    } catch (const base::Error& error) {
      EXPECT_THAT(error.code(), testing::AnyOf(ErrorCode::kCorrupt, ErrorCode::kUnsupported)) << at;
    }
  }
}

TEST_F(PartOutlineTest, RefusesAFooterOfMoreThanFitsIntoMemory) {
  // A list of ten million row groups, each of one byte.
  std::string footer = "\x49\xfc";
  for (std::uint32_t count = 10'000'000; count > 0; count >>= 7) {
    footer += static_cast<char>((count & 0x7FU) | (count >= 0x80 ? 0x80U : 0U));
  }
  footer += std::string(10'000'000, '\0');
  EXPECT_THROW(ParseFooter(footer, 1 << 30), LargeStructure);
}

TEST_F(PartOutlineTest, RefusesAListLongerThanItsBytes) {
  EXPECT_THROW(ParseFooter(std::string("\x29\xfc\xff\xff\xff\xff\x07\0", 8), 1 << 30),
               BrokenStructure);
}

TEST_F(PartOutlineTest, RefusesWhatIsNoFileOrALink) {
  EXPECT_THAT([&] { ReadOutline(Bytes("")); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT([&] { ReadOutline(Bytes("PAR1\xff\xff\xff\x7fPAR1")); },
              test::ThrowsError(ErrorCode::kCorrupt));
  const auto part = Write("SELECT 1 AS i");
  const auto link = dir_.path() / "link";
  std::filesystem::create_symlink(part.file, link);
  EXPECT_THROW(ReadOutline({{.key = "a part"}, link}), base::Error);
  EXPECT_THAT(
      [&] {
        ReadOutline({{.key = "a part"}, dir_.path()});
      },
      test::ThrowsError(ErrorCode::kCorrupt));
}

TEST_F(PartOutlineTest, NamesANestedColumn) {
  const auto part = Write("SELECT [1, 2] AS list");
  try {
    ReadOutline(part);
    FAIL() << "it was taken";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(error.info().subject, HasSubstr("list"));
    EXPECT_THAT(error.info().message, HasSubstr("nested"));
  }
}

TEST_F(PartOutlineTest, UnfoldsADictionaryOfLongValues) {
  const std::string select = "SELECT repeat('x', 1000000) AS v FROM range(200)";
  for (const char* codec : {"snappy", "zstd", "gzip", "uncompressed"}) {
    const auto part =
        Write(select, fmt::format("COMPRESSION {}, DICTIONARY_SIZE_LIMIT 1000", codec));
    EXPECT_GE(WidthOf(part).window_bytes, 190'000'000) << codec;
    const Width width = Tally({part});
    EXPECT_NEAR(static_cast<double>(width.window_bytes), 200e6, 1e6) << codec;
    EXPECT_NEAR(static_cast<double>(width.row_bytes), 1e6, 1e4) << codec;
  }
}

TEST_F(PartOutlineTest, WeighsALongValueAmongShortOnesOnce) {
  const auto part = Write(
      "SELECT CASE WHEN i = 5000 THEN repeat('y', 5000000) ELSE 'short' END AS v FROM "
      "range(20000) r(i)");
  const Width width = Tally({part});
  EXPECT_LT(width.window_bytes, 12 * kMb);
  EXPECT_GT(width.window_bytes, 4 * kMb);
}

TEST_F(PartOutlineTest, AddsUpSmallParts) {
  std::vector<model::LocalPart> parts;
  for (int i = 0; i < 10; ++i) parts.push_back(Write("SELECT repeat('z', 5000000) AS v"));
  EXPECT_GE(Tally(parts).window_bytes, 50'000'000);
}

TEST_F(PartOutlineTest, ShortTextsAreNotWide) {
  const auto part = Write("SELECT 'name ' || (i % 1000) AS v FROM range(300000) r(i)");
  EXPECT_LT(WidthOf(part).window_bytes, 4 * kMb);
}

TEST(UnfoldSnappy, TakesLiteralsAndCopies) {
  EXPECT_EQ(UnfoldSnappy(std::string("\x0a\x00"
                                     "a\x15\x01",
                                     5),
                         10),
            "aaaaaaaaaa");
  EXPECT_EQ(UnfoldSnappy(std::string("\x03\x08"
                                     "abc",
                                     5),
                         3),
            "abc");
}

TEST(UnfoldSnappy, RefusesWhatDoesNotUnfoldToItsSize) {
  const std::string packed(
      "\x0a\x00"
      "a\x15\x01",
      5);
  EXPECT_THROW(UnfoldSnappy(packed, 11), BrokenStructure);
  EXPECT_THROW(UnfoldSnappy(packed, 9), BrokenStructure);
  for (std::size_t length = 0; length < packed.size(); ++length) {
    EXPECT_THROW(UnfoldSnappy(packed.substr(0, length), 10), BrokenStructure) << length;
  }
  // A copy from before the beginning.
  EXPECT_THROW(UnfoldSnappy(std::string("\x0a\x00"
                                        "a\x15\x02",
                                        5),
                            10),
               BrokenStructure);
}

TEST(EngineShare, RowsOfOrdinaryWidthChangeNothing) {
  const EngineShare configured{256, 2};
  EXPECT_EQ(ShareForRows(configured, {kWideWindowBytes, 0}, "t"), configured);
  EXPECT_EQ(ShareForSlices(configured, {kWideWindowBytes, 0}, "t"), configured);
  EXPECT_EQ(ShareForColumns(configured, 16, 1'000'000, 200), configured);
}

TEST(EngineShare, WideRowsTakeOneThreadAndLeaveRoom) {
  // 64 KB in each of 2,048 rows.
  EXPECT_EQ(ShareForRows({256, 2}, {128 * kMb, 1}, "t"), (EngineShare{256, 1}));
  const EngineShare share = ShareForRows({256, 2}, {180 * kMb, 1}, "t");
  EXPECT_EQ(share.threads, 1);
  // All that the process takes: DuckDB's limit, the vector beside it, and the rest.
  EXPECT_LE(share.memory_limit_mb + 180 * 6 / 5 + kBesideMb, 256 + kReservedMb + kBeyondMb);
}

TEST(EngineShare, RefusesWhatCannotFitAndSaysWhatItTakes) {
  try {
    ShareForRows({256, 2}, {4000 * kMb, 20 * kMb}, "table a.b");
    FAIL() << "it was taken";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.info().subject, "table a.b");
    EXPECT_THAT(error.info().remedy, HasSubstr("limits.memory_mb to 10"));
  }
  // What it says is enough.
  for (const std::uint64_t mb : {200, 500, 1000, 4000}) {
    int told = 0;
    try {
      ShareForRows({256, 2}, {mb * kMb, kMb}, "t");
    } catch (const base::Error& error) {
      told = std::stoi(error.info().remedy.substr(error.info().remedy.find(" to ") + 4));
    }
    EXPECT_NO_THROW(ShareForRows({told - kReservedMb, 2}, {mb * kMb, kMb}, "t")) << mb << told;
  }
}

TEST(EngineShare, SlicesHoldOneRowAtLeast) {
  EXPECT_EQ(SliceRows({4000 * kMb, 20 * kMb}, 200), 1);
  EXPECT_EQ(SliceRows({128 * kMb, 64'000}, 1'000'000), 256);
  EXPECT_NO_THROW(ShareForSlices({256, 2}, {4000 * kMb, 20 * kMb}, "t"));
  EXPECT_THAT(
      [] {
        ShareForSlices({256, 2}, {4000 * kMb, 500 * kMb}, "t");
      },
      test::ThrowsError(ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace sluice::columnar
