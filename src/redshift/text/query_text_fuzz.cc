// Whatever stands as a query or a condition: what passes stays the same when it is read again, so
// nothing in it is read in two ways, and it ends no statement.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "redshift/text/query_text.h"

namespace {

void TryCondition(std::string_view text) {
  using sluice::redshift::ReadCondition;
  using sluice::redshift::ReadQuery;
  const auto read = ReadCondition(text);
  const auto* bare = std::get_if<std::string>(&read);
  if (bare == nullptr) return;
  const auto again = ReadCondition(*bare);
  const auto* same = std::get_if<std::string>(&again);
  if (same == nullptr || *same != *bare) std::abort();
  const auto wrapped = ReadQuery("SELECT 1 FROM t WHERE (" + *bare + ")");
  if (!std::holds_alternative<std::string>(wrapped)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using sluice::redshift::ReadQuery;
  TryCondition({reinterpret_cast<const char*>(data), size});
  const auto read = ReadQuery({reinterpret_cast<const char*>(data), size});
  const auto* bare = std::get_if<std::string>(&read);
  if (bare == nullptr) return 0;
  const auto again = ReadQuery(*bare);
  const auto* same = std::get_if<std::string>(&again);
  if (same == nullptr || *same != *bare) std::abort();
  // In our brackets it is still one SELECT, and cannot close them.
  const auto wrapped = ReadQuery("SELECT * FROM (" + *bare + "\n) AS x");
  if (!std::holds_alternative<std::string>(wrapped)) std::abort();
  return 0;
}
