// Any bytes are a manifest or a kCorrupt error: never a crash, never parts outside the prefix.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "staging/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& part : sluice::staging::ParseManifest(text, "b", "p/").parts) {
      if (!part.key.starts_with("p/")) abort();
    }
  } catch (const sluice::base::Error& error) {
    if (error.code() != sluice::base::ErrorCode::kCorrupt) abort();
  }
  return 0;
}
