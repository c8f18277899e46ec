// The state that a destination holds, which others may write to: any row is a commit or an error.
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "destinations/sql/state_row.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Values are cut at '|'; an empty one is NULL.
  std::array<std::optional<std::string>, 13> row;
  std::size_t at = 0;
  std::string value;
  for (std::size_t i = 0; i <= size && at < row.size(); ++i) {
    if (i < size && data[i] != '|') {
      value += static_cast<char>(data[i]);
      continue;
    }
    if (!value.empty()) row[at] = value;
    value.clear();
    ++at;
  }
  try {
    sluice::destinations::sql::ReadStateRow("sales.orders", row);
  } catch (const sluice::base::Error&) {
  }
  return 0;
}
