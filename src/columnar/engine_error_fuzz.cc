// What DuckDB says of a failure: any text is an error with a code.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "columnar/engine_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::columnar;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Task task{.operation = "load", .subject = "table t"};
  const auto info = ToErrorInfo(static_cast<EngineErrorKind>(data[0] % 11), text, task);
  if (info.message.empty()) abort();
  if (const auto holder = ParseLockHolder(text)) HeldBy(holder, "", task);
  return 0;
}
