#include "sync/read/reading.h"

#include <fmt/format.h>

#include "aws/sigv4.h"
#include "redshift/cursor.h"
#include "redshift/select.h"
#include "redshift/shape.h"

namespace sluice::sync {
namespace {

// The columns too: a widened VARCHAR changes no letter of the select, but the parts.
std::string Fingerprint(const base::Secret& select, const std::vector<model::Column>& columns) {
  std::string text = select.Reveal();
  for (const auto& column : columns) {
    text += fmt::format("\n{} {}", column.name, model::ToString(column.type));
  }
  return aws::Sha256Hex(text);
}

std::string Both(const std::string& range, const std::string& piece) {
  if (range.empty() || piece.empty()) return range + piece;
  return fmt::format("({}) AND ({})", range, piece);
}

}  // namespace

std::string BasisOf(const StreamPlan& plan) {
  if (!plan.committed) return {};
  return plan.committed->run + "/" + plan.committed->attempt;
}

std::optional<std::string> RangeOf(const StreamPlan& plan, const std::optional<std::string>& high) {
  if (!plan.range) return "";
  redshift::CursorRange range = *plan.range;
  range.high = high;
  if (!redshift::CanHoldRows(range)) return std::nullopt;
  return redshift::RangeCondition(redshift::CursorColumn(plan.stream, plan.columns_read()), range);
}

std::vector<UnloadStep> RowSteps(const StreamPlan& plan, const std::optional<std::string>& high,
                                 const std::vector<std::string>& pieces) {
  const model::Stream& stream = plan.stream;
  const auto& columns = plan.columns_read();
  const auto in_range = RangeOf(plan, high);
  if (!in_range) return {};
  std::vector<UnloadStep> steps;
  for (const auto& piece : pieces) {
    UnloadStep step{.what = "rows", .condition = piece};
    if (pieces.size() > 1) step.what = fmt::format("rows-{:04}", steps.size() + 1);
    step.select = redshift::BuildSelectToRun(stream, columns, Both(*in_range, piece));
    step.fingerprint = Fingerprint(step.select, plan.target.columns);
    steps.push_back(std::move(step));
  }
  return steps;
}

UnloadStep KeyStep(const StreamPlan& plan) {
  UnloadStep step{.what = std::string(kKeys),
                  .condition = "",
                  .select = base::Secret(*plan.key_select),
                  .keys = true};
  if (!plan.stream.shape.made.empty()) {
    step.select =
        redshift::BuildKeySelectToRun(plan.stream, plan.columns_read(), plan.stream.primary_key);
  }
  step.fingerprint = Fingerprint(step.select, plan.target.columns);
  return step;
}

std::optional<std::string> ShapeDigest(const model::Stream& stream) {
  const base::Secret text = redshift::ShapeText(stream);
  if (text.empty()) return std::nullopt;
  return aws::Sha256Hex(text.Reveal());
}

}  // namespace sluice::sync
