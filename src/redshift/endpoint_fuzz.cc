// Whatever somebody pastes as an endpoint is taken apart or refused with an error of ours.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "redshift/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    sluice::redshift::ParseEndpoint({reinterpret_cast<const char*>(data), size});
  } catch (const sluice::base::Error&) {
  }
  return 0;
}
