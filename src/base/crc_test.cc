// Goal: the checks are those that the world computes, by every way to compute them, for every
// length and alignment, and join as if the text had been read in one go.
#include "base/crc.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::base {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class CrcTest : public testing::TestWithParam<CrcKind> {};

// One bit after the other, as the definition says.
std::uint64_t BitByBit(CrcKind kind, std::span<const std::byte> bytes) {
  const std::uint64_t polynomial = kind == CrcKind::kCrc32    ? 0xEDB88320
                                   : kind == CrcKind::kCrc32c ? 0x82F63B78
                                                              : 0x9A6C9329AC4BC9B5;
  const std::uint64_t ones = kind == CrcKind::kCrc64Nvme ? ~0ULL : 0xFFFFFFFF;
  std::uint64_t state = ones;
  for (const std::byte byte : bytes) {
    state ^= std::to_integer<std::uint64_t>(byte);
    for (int bit = 0; bit < 8; ++bit) state = state >> 1 ^ ((state & 1) != 0 ? polynomial : 0);
  }
  return state ^ ones;
}

std::string Random(std::size_t size, std::mt19937_64& random) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// The "check" values of the catalogue.
TEST(Crc, GivesTheCataloguesValues) {
  EXPECT_EQ(ExtendCrc(CrcKind::kCrc32, 0, Bytes("123456789")), 0xCBF43926u);
  EXPECT_EQ(ExtendCrc(CrcKind::kCrc32c, 0, Bytes("123456789")), 0xE3069283u);
  EXPECT_EQ(ExtendCrc(CrcKind::kCrc64Nvme, 0, Bytes("123456789")), 0xAE8B14860A799888u);
  EXPECT_EQ(ExtendCrc(CrcKind::kCrc64Nvme, 0, {}), 0u);
}

TEST_P(CrcTest, AllWaysAgreeAtEveryLength) {
  std::mt19937_64 random(7);
  const std::string text = Random(400, random);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; begin + size <= text.size(); ++size) {
      const auto bytes = Bytes(std::string_view(text).substr(begin, size));
      const std::uint64_t expected = BitByBit(GetParam(), bytes);
      ASSERT_EQ(ExtendCrc(GetParam(), 0, bytes), expected) << begin << "+" << size;
      ASSERT_EQ(ExtendCrcByTables(GetParam(), 0, bytes), expected) << begin << "+" << size;
    }
  }
}

TEST_P(CrcTest, GoesOnFromWhatWasReadBefore) {
  std::mt19937_64 random(8);
  const std::string text = Random(1000, random);
  const std::uint64_t whole = ExtendCrc(GetParam(), 0, Bytes(text));
  for (std::size_t cut = 0; cut <= text.size(); cut += 13) {
    const auto first = ExtendCrc(GetParam(), 0, Bytes(std::string_view(text).substr(0, cut)));
    const auto rest = Bytes(std::string_view(text).substr(cut));
    ASSERT_EQ(ExtendCrc(GetParam(), first, rest), whole) << cut;
    const auto second = ExtendCrc(GetParam(), 0, rest);
    ASSERT_EQ(CombineCrc(GetParam(), first, second, rest.size()), whole) << cut;
  }
}

TEST_P(CrcTest, SeesEveryFlippedBit) {
  std::mt19937_64 random(9);
  std::string text = Random(257, random);
  const std::uint64_t whole = ExtendCrc(GetParam(), 0, Bytes(text));
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    ASSERT_NE(ExtendCrc(GetParam(), 0, Bytes(text)), whole) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CrcTest,
                         testing::Values(CrcKind::kCrc32, CrcKind::kCrc32c, CrcKind::kCrc64Nvme));

}  // namespace
}  // namespace sluice::base
