// Any refusal of AWS is an error with a code, whatever its body, and never shows our keys, which
// AWS may quote.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/errors.h"
#include "aws/session_keys.h"

namespace {

constexpr const char* kSecret = "0123456789abcdefABCDEF/+0123456789abcdef";

bool Shows(const std::string& text) { return text.find(kSecret) != std::string::npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size < 2) return 0;
  std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
  if ((data[1] & 1) != 0) body.insert(body.size() / 2, kSecret);
  const aws::SessionKeys keys{"AKIAIOSFODNN7EXAMPLE", base::Secret(kSecret), base::Secret("token"),
                              std::nullopt};
  const auto service = static_cast<aws::Service>(data[0] % 4);
  http::Response response{.status = 400 + data[1] % 110, .headers = {}, .body = body};
  response.headers.push_back({"x-amzn-ErrorType", body.substr(0, 40)});
  response.headers.push_back({"Date", body.substr(0, 29)});
  const aws::Failure failure = aws::ReadFailure(service, response);
  aws::IsExpired(failure);
  aws::RegionNamed(failure);
  const base::Error error = aws::ToError(failure, {.service = service, .operation = "o"}, {}, keys);
  const base::ErrorInfo& info = error.info();
  if (Shows(error.what()) || Shows(info.message) || Shows(info.remedy) || Shows(info.cause)) {
    abort();
  }
  return 0;
}
