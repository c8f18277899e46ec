// Goal: only what the manifest truly lists is ever loaded, and bytes that are not quite a manifest
// are an error, never a smaller table.
#include "staging/manifest.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "tests/support/matchers.h"

namespace sluice::staging {
namespace {
using base::ErrorCode;

constexpr std::string_view kManifest =
    R"({"entries":[)"
    R"({"url":"s3://b/p/0000_part_00.parquet","meta":{"content_length":100,"record_count":7}},)"
    R"({"url":"s3://b/p/0003_part_00.parquet","meta":{"content_length":50,"record_count":3}}],)"
    R"("schema":{"elements":[{"name":"n","type":{"base":"character varying","max_length":25}}]},)"
    R"("meta":{"content_length":150,"record_count":10},)"
    R"("author":{"name":"Amazon Redshift","version":"1.0.0"}})";

Manifest Parse(std::string_view text) { return ParseManifest(text, "b", "p/"); }

std::string Changed(std::string_view from, std::string_view to) {
  std::string text(kManifest);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ParseManifest, ReadsPartsAndTotals) {
  const Manifest m = Parse(kManifest);
  ASSERT_EQ(m.parts.size(), 2u);
  EXPECT_EQ(m.parts[1].key, "p/0003_part_00.parquet");
  EXPECT_EQ(m.parts[1].bytes, 50u);
  EXPECT_EQ(m.parts[1].rows, 3u);
  EXPECT_EQ(m.rows, 10u);
  EXPECT_EQ(m.bytes, 150u);
}

TEST(ParseManifest, RefusesItCutAtEveryLength) {
  for (std::size_t n = 0; n < kManifest.size(); ++n) {
    EXPECT_THAT([&] { Parse(kManifest.substr(0, n)); }, test::ThrowsError(ErrorCode::kCorrupt))
        << n;
  }
}

struct ManifestDamage {
  const char* from;
  const char* to;
};
class DamagedManifest : public testing::TestWithParam<ManifestDamage> {};

TEST_P(DamagedManifest, IsCorrupt) {
  EXPECT_THAT([&] { Parse(Changed(GetParam().from, GetParam().to)); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, DamagedManifest,
    testing::Values(
        ManifestDamage{"entries", "entrys"}, ManifestDamage{"s3://b/p/0000", "s3://b/q/0000"},
        ManifestDamage{"s3://b/p/0000", "s3://c/p/0000"}, ManifestDamage{"p/0003", "p/0000"},
        ManifestDamage{"\"record_count\":7", "\"record_count\":8"},
        ManifestDamage{"\"record_count\":7", "\"record_count\":-7"},
        ManifestDamage{"\"record_count\":7", "\"record_count\":\"7\""},
        ManifestDamage{"\"content_length\":100", "\"content_length\":101"},
        ManifestDamage{"\"content_length\":150", "\"content_length\":151"},
        ManifestDamage{"\"record_count\":10", "\"rows\":10"},
        ManifestDamage{"p/0000_part_00.parquet", "p/"},
        ManifestDamage{"\"meta\":{\"content_length\":50,\"record_count\":3}", "\"meta\":3"}));

// What an entry looks like among many, as Redshift writes it: with a schema beside that is of no
// use.
std::string Entry(int number) {
  return fmt::format(
      R"({{"url":"s3://b/p/{:06}_part_00.parquet","meta":{{"content_length":100,"record_count":2}}}})",
      number);
}

TEST(ParseManifest, TakesNoTreeOfTheText) {
  constexpr int kParts = 200'000;
  std::string text = R"({"schema":{"elements":[{"name":"a","type":{"base":"int"}}]},"entries":[)";
  for (int i = 0; i < kParts; ++i) text += (i == 0 ? "" : ",") + Entry(i);
  text += fmt::format(R"(],"meta":{{"content_length":{},"record_count":{}}}}})", kParts * 100ULL,
                      kParts * 2ULL);
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  const Manifest manifest = Parse(text);
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(manifest.parts.size(), static_cast<std::size_t>(kParts));
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 << 10) << "KB";
}

TEST(ParseManifest, RefusesOneThatIsNestedTooDeeply) {
  const std::string deep(100'000, '[');
  EXPECT_THAT([&] { Parse(R"({"other":)" + deep); },
              test::ThrowsErrorWith(ErrorCode::kCorrupt, &base::ErrorInfo::message,
                                    testing::HasSubstr("deep")));
}

TEST(ParseManifest, RefusesAnUrlThatIsLongerThanAnyKey) {
  EXPECT_THAT([&] { Parse(Changed("p/0000", "p/" + std::string(1200, 'x'))); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

TEST(ParseManifest, RefusesASumThatOverflows) {
  EXPECT_THAT(
      [&] { Parse(Changed("\"record_count\":7", "\"record_count\":18446744073709551615")); },
      test::ThrowsError(ErrorCode::kCorrupt));
}

TEST(ParseManifest, RefusesMembersThatComeTwice) {
  EXPECT_THAT(
      [&] {
        Parse(Changed("\"meta\":{\"content_length\":150",
                      "\"meta\":{},\"meta\":{\"content_length\":150"));
      },
      test::ThrowsError(ErrorCode::kCorrupt));
}

TEST(ParseManifest, PassesOverWhatItDoesNotKnow) {
  EXPECT_EQ(Parse(Changed("{\"entries\"", "{\"more\":[{\"url\":1,\"meta\":[2]}],\"entries\"")).rows,
            10u);
}

TEST(ParseManifest, RefusesOneWithoutEntries) {
  EXPECT_THAT([] { Parse(R"({"entries":[],"meta":{"content_length":0,"record_count":0}})"); },
              test::ThrowsError(ErrorCode::kCorrupt));
}

TEST(JudgeUnload, TellsEmptyFromLost) {
  const Manifest ten{.parts = {}, .rows = 10, .bytes = 1};
  EXPECT_EQ(JudgeUnload(10, &ten), UnloadVerdict::kRows);
  EXPECT_EQ(JudgeUnload(std::nullopt, &ten), UnloadVerdict::kRows);
  EXPECT_EQ(JudgeUnload(0, nullptr), UnloadVerdict::kEmpty);
  EXPECT_EQ(JudgeUnload(std::nullopt, nullptr), UnloadVerdict::kAskCount);
  EXPECT_THAT([] { JudgeUnload(10, nullptr); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT([&] { JudgeUnload(9, &ten); }, test::ThrowsError(ErrorCode::kCorrupt));
  EXPECT_THAT([&] { JudgeUnload(0, &ten); }, test::ThrowsError(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace sluice::staging
