#include "destinations/own_schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace sluice::destinations {

void RequireForeignSchema(const model::StreamTarget& target) {
  const std::string& schema = target.table.schema;
  const bool ours = std::equal(
      schema.begin(), schema.end(), kOwnSchema.begin(), kOwnSchema.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
      });
  if (ours) ThrowReservedSchema(target, "Sluice's own: watermarks are kept there");
}

void ThrowReservedSchema(const model::StreamTarget& target, std::string_view whose) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "prepare table",
                     .subject = "table " + target.table.ToString(),
                     .message = fmt::format("schema {} is {}", target.table.schema, whose),
                     .remedy = "Set `destination.schema` to another name, for example main.",
                     .reason = "reserved_schema"});
}

}  // namespace sluice::destinations
