// The lake's own files, which others may write to: any bytes are a commit that reads the same once
// it is written, or a kCorrupt or kUnsupported error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "destinations/lake/lake_commit.h"
#include "destinations/lake/lake_path.h"

namespace {

template <typename Read>
void Harmless(Read read) {
  using sluice::base::ErrorCode;
  try {
    read();
  } catch (const sluice::base::Error& error) {
    if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kUnsupported) abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::destinations::lake;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Harmless([&] {
    const LakeCommit commit = ParseCommit(text, "a test");
    const std::string written = FormatCommit(commit);
    if (FormatCommit(ParseCommit(written, "a test")) != written) abort();
  });
  Harmless([&] { ParseStream(text, "sales.orders", "a test"); });
  VersionOf(text);
  return 0;
}
