#include "base/inside_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace sluice::base {
namespace {

bool IsPublic(const std::string& text) {
  sockaddr_in four{};
  four.sin_family = AF_INET;
  if (inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
    return !WhyInside(reinterpret_cast<const sockaddr&>(four));
  }
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &six.sin6_addr), 1) << text;
  return !WhyInside(reinterpret_cast<const sockaddr&>(six));
}

TEST(WhyInside, KnowsWhatIsInside) {
  for (const std::string text : {"127.0.0.1",
                                 "127.255.0.1",
                                 "0.0.0.0",
                                 "10.1.2.3",
                                 "172.16.0.1",
                                 "172.31.255.255",
                                 "192.168.1.1",
                                 "169.254.169.254",
                                 "100.64.0.1",
                                 "224.0.0.1",
                                 "255.255.255.255",
                                 "::1",
                                 "::",
                                 "fe80::1",
                                 "fec0::1",
                                 "fd00:ec2::254",
                                 "fc00::1",
                                 "ff02::1",
                                 "::ffff:127.0.0.1",
                                 "::ffff:10.0.0.1",
                                 "64:ff9b::a9fe:a9fe",
                                 "::127.0.0.1",
                                 "64:ff9b:1::101:101",
                                 "2002:7f00:1::",
                                 "198.18.0.1",
                                 "192.0.0.1"}) {
    EXPECT_FALSE(IsPublic(text)) << text;
  }
}

TEST(WhyInside, LetsTheInternetBe) {
  for (const std::string text : {"1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "11.0.0.1",
                                 "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"}) {
    EXPECT_TRUE(IsPublic(text)) << text;
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_TRUE(WhyInside(other).has_value());
}

}  // namespace
}  // namespace sluice::base
