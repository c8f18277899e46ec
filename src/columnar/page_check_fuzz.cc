// Any bytes are an outline with pages or an error with its code: never a crash, a read outside of
// the file, or work beyond the file's size.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "base/error.h"
#include "columnar/page_check.h"
#include "columnar/part_outline.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string file = "/dev/shm/sluice_fuzz_" + std::to_string(getpid()) + ".parquet";
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const sluice::model::LocalPart part{.part = {.key = "p/x.parquet"}, .file = file};
  using sluice::base::ErrorCode;
  try {
    if (sluice::columnar::VerifyPages(part, {}) > size) abort();
    sluice::columnar::MeasureWidth(part, sluice::columnar::ReadOutline(part));
  } catch (const sluice::base::Error& error) {
    if (error.code() != ErrorCode::kCorrupt && error.code() != ErrorCode::kUnsupported) abort();
  }
  return 0;
}
