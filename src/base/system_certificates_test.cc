#include "base/system_certificates.h"

#include <gtest/gtest.h>

#include <string_view>

namespace sluice::base {
namespace {

TEST(SystemCertificates, AreWhereTheLinuxKeepsThem) {
  const auto with = [](std::string_view there) {
    return SystemCertificates([there](const char* path) { return path == there; });
  };
  EXPECT_EQ(with("/etc/pki/tls/certs/ca-bundle.crt"), "/etc/pki/tls/certs/ca-bundle.crt");
  EXPECT_EQ(with("/etc/ssl/ca-bundle.pem"), "/etc/ssl/ca-bundle.pem");
  EXPECT_EQ(with("/etc/ssl/cert.pem"), "/etc/ssl/cert.pem");
  EXPECT_EQ(with("/nowhere"), "/etc/ssl/certs/ca-certificates.crt");
  // Several links to one file are common: Debian's name comes first.
  EXPECT_EQ(SystemCertificates([](const char*) { return true; }),
            "/etc/ssl/certs/ca-certificates.crt");
}

}  // namespace
}  // namespace sluice::base
