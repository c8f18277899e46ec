// Times as AWS writes them: any text is a time or nothing, and what was read is written as it was.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "aws/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::aws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ParseHttpDate(text);
  if (const auto time = ParseIsoTime(text)) FormatAmzDate(*time);
  if (size >= sizeof(double)) {
    double seconds = 0;
    std::memcpy(&seconds, data, sizeof seconds);
    FromEpochSeconds(seconds);
  }
  return 0;
}
