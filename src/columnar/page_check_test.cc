// Goal: a page whose bytes are not those that were written is refused, where its writer gave it a
// CRC; and no file, however odd, is refused that could be read, or read beyond its end.
#include "columnar/page_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::columnar {
namespace {
using base::ErrorCode;

const std::filesystem::path kFolder = SLUICE_TEST_DATA "/parquet";

std::string Contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint64_t Verify(const std::string& text) {
  static const test::TempDir dir;
  const model::LocalPart part{.part = {.key = "p/0000.parquet"}, .file = dir.path() / "0.parquet"};
  std::ofstream(part.file, std::ios::binary) << text;
  return VerifyPages(part, {});
}

std::string Flipped(std::string text, std::size_t at, int bits = 0xFF) {
  text[at] = static_cast<char>(text[at] ^ bits);
  return text;
}

// Where the footer begins.
std::size_t FooterAt(const std::string& text) {
  std::uint32_t length = 0;
  std::memcpy(&length, text.data() + text.size() - 8, 4);
  return text.size() - 8 - length;
}

class PageCheck : public testing::TestWithParam<const char*> {};

// G34: A page of a part whose CRC does not hold is refused, where the part's writer gave its pages
// one.
TEST_P(PageCheck, RefusesAPageThatChanged) {
  const std::string good = Contents(kFolder / GetParam());
  EXPECT_GT(Verify(good), 10u);
  std::size_t refused = 0;
  std::size_t changed = 0;
  for (std::size_t at = 4; at < FooterAt(good); at += 5) {
    ++changed;
    try {
      Verify(Flipped(good, at));
    } catch (const base::Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kCorrupt) << at;
      ASSERT_THAT(error.info().subject, testing::HasSubstr("p/0000.parquet"));
      ++refused;
    }
  }
  // The rest is in the heads of pages: kinds and statistics, of which no CRC tells.
  EXPECT_GT(refused * 100, changed * 60) << refused << " of " << changed;
}

TEST_P(PageCheck, RefusesEveryBitOfAPagesBytes) {
  const std::string good = Contents(kFolder / GetParam());
  // Text stands in dictionary pages alone, and snappy leaves it readable.
  const std::size_t text = good.find("text 1");
  ASSERT_NE(text, std::string::npos);
  for (std::size_t at = text; at < text + 6; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      EXPECT_THAT([&] { Verify(Flipped(good, at, 1 << bit)); },
                  test::ThrowsError(ErrorCode::kCorrupt));
    }
  }
}

TEST_P(PageCheck, ReadsNoFurtherThanTheFileGoes) {
  const std::string good = Contents(kFolder / GetParam());
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_THAT([&] { Verify(good.substr(0, size)); }, test::ThrowsError(ErrorCode::kCorrupt));
  }
  std::mt19937_64 random(11);
  for (int i = 0; i < 500; ++i) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) {
      bad[FooterAt(good) + random() % (good.size() - FooterAt(good))] = static_cast<char>(random());
    }
    try {
      Verify(bad);
    } catch (const base::Error& error) {
      ASSERT_TRUE(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnsupported);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, PageCheck, testing::Values("pages.parquet", "pages_v2.parquet"));

TEST(PageCheckOfFiles, TakesWhatHasNoChecks) {
  for (const char* name : {"types.parquet", "variants.parquet", "int96_edges.parquet"}) {
    EXPECT_EQ(Verify(Contents(kFolder / name)), 0u) << name;
  }
}

TEST(PageCheckOfFiles, ReadsAPartOnDisk) {
  test::TempDir dir;
  const model::LocalPart part{.part = {.key = "p/0.parquet"}, .file = dir.path() / "0.parquet"};
  EXPECT_THAT([&] { VerifyPages(part, {}); }, test::ThrowsError(ErrorCode::kNotFound));
  const std::string good = Contents(kFolder / "pages.parquet");
  std::ofstream(part.file, std::ios::binary) << good;
  EXPECT_GT(VerifyPages(part, {}), 10u);
  std::ofstream(part.file, std::ios::binary) << Flipped(good, good.find("text 1"));
  EXPECT_THAT([&] { VerifyPages(part, {}); }, test::ThrowsError(ErrorCode::kCorrupt));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT([&] { VerifyPages(part, stop.get_token()); },
              test::ThrowsError(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace sluice::columnar
