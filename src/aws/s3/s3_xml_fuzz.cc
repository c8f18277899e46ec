// Any bytes are a page of S3, or nothing: never a crash, and never a page that goes on without
// saying where.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "aws/s3/s3_xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::aws;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto page = ReadObjectPage(text)) {
    for (const auto& object : page->objects) {
      if (object.key.empty()) abort();
    }
  }
  if (const auto page = ReadUploadPage(text); page && page->truncated && page->next_key.empty()) {
    abort();
  }
  ReadDeleteResult(text);
  return 0;
}
