// Goal: every way in which nobody answers has its code and a remedy without holes.
#include "http/transport_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

namespace sluice::http {
namespace {

using base::ErrorCode;
using testing::Not;

TEST(TransportFailures, EachHasItsCode) {
  using enum TransportFailure;
  const std::vector<std::tuple<TransportFailure, ErrorCode, bool>> rows = {
      {kResolve, ErrorCode::kUnreachable, true},
      {kConnect, ErrorCode::kUnreachable, true},
      {kConnectTimeout, ErrorCode::kUnreachable, true},
      {kCertificate, ErrorCode::kUnreachable, false},
      {kTls, ErrorCode::kUnreachable, true},
      {kCaFile, ErrorCode::kInvalidConfig, false},
      {kStalled, ErrorCode::kTimeout, true},
      {kBroken, ErrorCode::kUnreachable, true},
      {kProtocol, ErrorCode::kUnreachable, false},
      {kProxy, ErrorCode::kUnreachable, true},
      {kProxyPassword, ErrorCode::kUnreachable, false},
      {kProxyRefused, ErrorCode::kUnreachable, false},
      {kProxyGateway, ErrorCode::kUnreachable, true},
      {kProxyConnect, ErrorCode::kUnreachable, true},
      {kProxyResolve, ErrorCode::kUnreachable, true},
      {kProxySilent, ErrorCode::kUnreachable, true},
      {kProxyTls, ErrorCode::kUnreachable, false},
      {kNoMemory, ErrorCode::kInternal, false}};
  ASSERT_EQ(rows.size(), TransportTable().size());
  for (const auto& [failure, code, retryable] : rows) {
    const base::Error error = ToError(failure, "GetObject", "s3://b/k",
                                      {.host = "h.example",
                                       .detail = "detail",
                                       .proxy = "http://p:3128 (HTTPS_PROXY)",
                                       .proxy_status = 403});
    EXPECT_EQ(error.code(), code);
    EXPECT_EQ(error.info().retryable, retryable);
    EXPECT_EQ(error.info().cause, "detail");
    EXPECT_THAT(error.info().message + error.info().remedy, Not(testing::ContainsRegex("[{}]")));
    EXPECT_FALSE(error.info().remedy.empty());
    const bool of_proxy = error.info().reason == "proxy";
    EXPECT_EQ(of_proxy, error.info().message.find("http://p:3128") != std::string::npos &&
                            failure != kCertificate);
  }
}

}  // namespace
}  // namespace sluice::http
