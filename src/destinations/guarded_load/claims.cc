#include "destinations/guarded_load/claims.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace sluice::destinations::guarded_load {

using base::ErrorCode;

Claims::Claim::Claim(Claims& claims, std::string stream_key, std::string table_key)
    : claims_(claims), stream_key_(std::move(stream_key)), table_key_(std::move(table_key)) {}

Claims::Claim::~Claim() {
  const std::lock_guard lock(claims_.mu_);
  claims_.held_.erase(stream_key_);
  claims_.held_.erase(table_key_);
}

std::unique_ptr<Claims::Claim> Claims::Take(const model::StreamTarget& target) {
  const std::string stream = "stream " + target.stream;
  // A zero byte is in no name, so the two parts cannot run together.
  const std::string table =
      "table " + Folded(target.table.schema) + '\0' + Folded(target.table.table);
  const std::string exact = target.table.ToString();
  const std::lock_guard lock(mu_);
  const auto there = held_.find(table);
  if (there != held_.end() && there->second != exact) {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = "begin load",
                       .subject = "table " + exact,
                       .message = fmt::format("table {} is being loaded, which is the same to {}",
                                              there->second, engine_),
                       .remedy = "Load one of the two into another schema, or rename it."});
  }
  if (there != held_.end() || held_.contains(stream)) {
    throw base::Error({.code = ErrorCode::kConflict,
                       .operation = "begin load",
                       .subject = fmt::format("stream {} into table {}", target.stream, exact),
                       .message = "another load of that stream or table is open",
                       .remedy = "Give every stream a table of its own."});
  }
  auto claim = std::make_unique<Claim>(*this, stream, table);
  held_[stream] = exact;
  held_[table] = exact;
  return claim;
}

bool Claims::empty() const {
  const std::lock_guard lock(mu_);
  return held_.empty();
}

}  // namespace sluice::destinations::guarded_load
