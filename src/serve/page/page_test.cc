// Goal: a browser gets the page whole and from here alone, keeps what never changes, and asks again
// for what may.
#include "serve/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "serve/page/bundle.h"

namespace sluice::serve {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(FindPageFile, GivesThePageItselfAtBothOfItsAddresses) {
  const PageFile* page = FindPageFile("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(FindPageFile("/connect"), page);
  EXPECT_EQ(PageCacheControl(*page), "no-cache");
}

TEST(FindPageFile, KnowsNoOtherPath) {
  for (const auto* path : {"", "/connect/", "/../etc/passwd", "/assets/", "/assets", "//", "/%2e",
                           "/index.html.gz", "index.html", "/api/v1/me"}) {
    EXPECT_EQ(FindPageFile(path), nullptr) << path;
  }
}

TEST(FindPageFile, HasEveryFileGzippedUnderAnEtagOfItsOwn) {
  std::vector<std::string_view> etags;
  for (const auto& file : Bundle()) {
    EXPECT_EQ(FindPageFile(file.path), &file);
    EXPECT_THAT(file.bytes, StartsWith("\x1f\x8b")) << file.path;
    EXPECT_THAT(file.etag, testing::MatchesRegex("\"[0-9a-f]{20}\""));
    EXPECT_THAT(etags, Not(testing::Contains(file.etag)));
    etags.push_back(file.etag);
  }
}

TEST(FindPageFile, LetsScriptsAndStylesBeKeptForever) {
  int scripts = 0;
  int styles = 0;
  for (const auto& file : Bundle()) {
    if (!file.path.starts_with("/assets/")) continue;
    EXPECT_EQ(PageCacheControl(file), "public, max-age=31536000, immutable");
    scripts += file.content_type.starts_with("text/javascript") ? 1 : 0;
    styles += file.content_type.starts_with("text/css") ? 1 : 0;
  }
  EXPECT_GE(scripts, 1);
  EXPECT_GE(styles, 1);
}

TEST(PagePolicy, AllowsNothingInlineAndNoOtherHost) {
  const std::string policy = PagePolicy({});
  EXPECT_THAT(policy, StartsWith("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
  EXPECT_THAT(policy, EndsWith("frame-ancestors 'none'"));
}

TEST(PagePolicy, NamesWhoMayShowItInAFrame) {
  const std::vector<std::string> origins = {"https://app.acme.com", "https://b.example"};
  EXPECT_THAT(PagePolicy(origins),
              EndsWith("frame-ancestors https://app.acme.com https://b.example"));
}

}  // namespace
}  // namespace sluice::serve
