#include "destinations/postgres/table_names.h"

#include <fmt/format.h>

#include <cstdint>

namespace sluice::destinations::postgres {
namespace {

// FNV-1a: the same in every build, unlike std::hash.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x0000'0100'0000'01b3U;
  }
  return hash;
}

}  // namespace

OwnTables OwnTablesOf(const std::string& stream, const std::string& target_schema) {
  const std::string id = fmt::format("{:016x}", Hash(stream));
  const std::string state(kStateSchema);
  return {.fresh = {target_schema, "_sluice_new_" + id},
          .rows = {state, "rows_" + id},
          .keys = {state, "keys_" + id},
          .actions = {state, "actions_" + id}};
}

}  // namespace sluice::destinations::postgres
