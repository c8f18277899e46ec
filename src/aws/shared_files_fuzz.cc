// ~/.aws/config and credentials: any bytes are settings by profile.
#include <cstdint>
#include <string_view>

#include "aws/shared_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::aws::ParseIni({reinterpret_cast<const char*>(data), size});
  return 0;
}
