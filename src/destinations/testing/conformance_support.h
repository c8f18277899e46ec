// What the tests of the suite share: one small stream, its watermark and its proof.
#pragma once
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "destinations/testing/conformance.h"

namespace sluice::destinations {

inline const model::TableName kTable{"sales", "numbers"};
inline const base::Call kCall;

inline model::StreamTarget Target(model::WriteMode mode = model::WriteMode::kOverwrite) {
  return {.stream = "sales.numbers",
          .table = kTable,
          .columns = {{"n", {model::TypeKind::kInt64}}, {"t", {model::TypeKind::kVarchar}}},
          .write_mode = mode};
}

inline model::StreamTarget TargetNamed(const std::string& name) {
  model::StreamTarget target = Target();
  target.stream = "sales." + name;
  target.table.table = name;
  return target;
}

inline model::Watermark Mark(const std::string& attempt,
                             std::optional<std::string> value = "2026-01-01") {
  return {.stream = "sales.numbers", .value = std::move(value), .run = "run1", .attempt = attempt};
}

inline model::Proof ProofOf(const LoadedRows& rows) {
  return {.notice_rows = rows.loaded_rows,
          .manifest_rows = rows.loaded_rows,
          .footer_rows = rows.footer_rows,
          .loaded_rows = rows.loaded_rows,
          .parts = 1};
}

// Adds the parts one by one.
inline LoadedRows AddAll(Load& load, const std::vector<model::LocalPart>& parts) {
  LoadedRows sum;
  for (const model::LocalPart& part : parts) {
    const LoadedRows rows = load.Add({&part, 1}, kCall);
    sum.footer_rows += rows.footer_rows;
    sum.loaded_rows += rows.loaded_rows;
  }
  return sum;
}

}  // namespace sluice::destinations
