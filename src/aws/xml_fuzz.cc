// Any bytes are a tree or nothing: never a crash, never unbounded work.
#include <cstdint>
#include <string_view>

#include "aws/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto tree = sluice::aws::ParseXml({reinterpret_cast<const char*>(data), size});
  if (tree) tree->Text("Error/Code");
  return 0;
}
