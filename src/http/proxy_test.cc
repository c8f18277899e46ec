// Goal: errors name the proxy that libcurl takes, without its password, and none where it takes
// none.
#include "http/proxy.h"

#include <gtest/gtest.h>

#include <map>

namespace sluice::http {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

std::optional<std::string> Of(const std::string& url, const Variables& variables) {
  return ProxyFor(url, [&](std::string_view name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  });
}

const std::string kUrl = "https://sts.us-east-1.amazonaws.com/";

TEST(ProxyFor, TakesTheVariablesInLibcurlsOrder) {
  EXPECT_EQ(Of(kUrl, {}), std::nullopt);
  EXPECT_EQ(Of(kUrl, {{"HTTPS_PROXY", "http://p:3128"}}), "http://p:3128 (HTTPS_PROXY)");
  EXPECT_EQ(Of(kUrl, {{"HTTPS_PROXY", "a:1"}, {"https_proxy", "b:2"}}), "http://b:2 (https_proxy)");
  EXPECT_EQ(Of(kUrl, {{"ALL_PROXY", "socks5h://p:1080/"}}), "socks5h://p:1080 (ALL_PROXY)");
  EXPECT_EQ(Of(kUrl, {{"HTTP_PROXY", "p:1"}, {"http_proxy", "p:1"}}), std::nullopt);
  EXPECT_EQ(Of("http://h/", {{"http_proxy", "p:1"}}), "http://p:1 (http_proxy)");
  EXPECT_EQ(Of("http://h/", {{"HTTP_PROXY", "p:1"}}), std::nullopt);
}

TEST(ProxyFor, NeverShowsUserOrPassword) {
  for (const char* value :
       {"http://ann:hunter2@p:3128", "ann:hunter2@p:3128/", "http://ann:hun@ter2@p:3128?hunter2",
        "http://hunter2:@p:3128#hunter2"}) {
    const auto shown = Of(kUrl, {{"HTTPS_PROXY", value}});
    EXPECT_EQ(shown, "http://p:3128 (HTTPS_PROXY)") << value;
  }
  EXPECT_EQ(Of(kUrl, {{"HTTPS_PROXY", "http://hunter2/\n"}}), "http://hunter2 (HTTPS_PROXY)");
  EXPECT_EQ(Of(kUrl, {{"HTTPS_PROXY", "http://a b"}}), "of HTTPS_PROXY");
}

TEST(ProxyFor, LeavesOutWhatNoProxyNames) {
  const auto with = [](const std::string& list, const std::string& url = kUrl) {
    return Of(url, {{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", list}}).has_value();
  };
  for (const char* list : {"*", "amazonaws.com", ".amazonaws.com", "x, us-east-1.amazonaws.com",
                           "sts.us-east-1.amazonaws.com", "STS.us-east-1.AMAZONAWS.com"}) {
    EXPECT_FALSE(with(list)) << list;
  }
  for (const char* list :
       {"", "aws.com", "azonaws.com", "s3.us-east-1.amazonaws.com", "com.evil"}) {
    EXPECT_TRUE(with(list)) << list;
  }
  EXPECT_FALSE(with("10.0.0.0/8", "https://10.1.2.3:8443/"));
  EXPECT_TRUE(with("10.0.0.0/8", "https://11.1.2.3/"));
  EXPECT_FALSE(with("localhost,127.0.0.1", "https://127.0.0.1:1/"));
}

}  // namespace
}  // namespace sluice::http
