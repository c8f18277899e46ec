// Addresses of AWS's services, and those that replace them: any text is an address or a
// kInvalidConfig error, and never another host than the one that it names.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/endpoints.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto harmless = [](auto make) {
    try {
      const aws::Endpoint endpoint = make();
      for (const char c : endpoint.host) {
        if (c == '/' || c == '@' || c == '\r' || c == '\n' || c == ' ' || c == '\0') abort();
      }
    } catch (const base::Error& error) {
      if (error.code() != base::ErrorCode::kInvalidConfig &&
          error.code() != base::ErrorCode::kUnsupported) {
        abort();
      }
    }
  };
  harmless([&] { return aws::StsEndpoint(text); });
  harmless([&] { return aws::S3Endpoint("eu-west-1", text); });
  harmless([&] { return aws::S3Endpoint("eu-west-1", "acme", {.all = text}); });
  harmless([&] { return aws::RedshiftServerlessEndpoint("eu-west-1", {.all = text}); });
  return 0;
}
