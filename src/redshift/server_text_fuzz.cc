// What a server says of a failure: any text is an error with a code and a remedy.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "redshift/server_text.h"
#include "redshift/sqlstate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::redshift;
  if (size < 6) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 6, size - 6);
  ParseS3Failure(text);
  if (Mask(text).size() > 8 * text.size() + 64) abort();
  const ServerFailure failure{.sqlstate = std::string(reinterpret_cast<const char*>(data) + 1, 5),
                              .message = text.substr(0, text.size() / 2),
                              .detail = text.substr(text.size() / 2)};
  const auto info = Classify(static_cast<Phase>(data[0] % 3), failure, {.operation = "query"});
  if (info.message.empty()) abort();
  return 0;
}
