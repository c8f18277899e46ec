#include "destinations/target_check.h"

#include <utility>

#include "base/error.h"
#include "destinations/own_schema.h"

namespace sluice::destinations {

void ThrowUnsupported(std::string subject, std::string message, std::string remedy,
                      std::string reason) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "prepare table",
                     .subject = std::move(subject),
                     .message = std::move(message),
                     .remedy = std::move(remedy),
                     .reason = std::move(reason)});
}

void RequireTable(const model::StreamTarget& target) {
  const std::string subject = "table " + target.table.ToString();
  if (target.table.schema.empty() || target.table.table.empty()) {
    ThrowUnsupported(subject, "its schema or name is empty", "Name both.");
  }
  RequireForeignSchema(target);
  if (target.columns.empty()) ThrowUnsupported(subject, "it has no columns", "Select some.");
}

}  // namespace sluice::destinations
