// Fields that several documents and events share.
#pragma once
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "check/check.h"
#include "config/config.h"
#include "contract/fields.h"
#include "model/part.h"
#include "model/stream.h"
#include "sync/run.h"

namespace sluice::contract {

const Fields<base::ErrorInfo>& ErrorFields();
const Fields<model::Stream>& ConfiguredStreamFields();
const Fields<model::Column>& ColumnFields();
const Fields<check::Finding>& FindingFields();
const Fields<sync::StreamResult>& StreamResultFields();
const Fields<model::RunCost>& CostFields();
// null if it is not known.
Json FromCost(const std::optional<model::RunCost>& cost);
const Fields<model::Proof>& ProofFields();
const Fields<model::Counts>& CountsFields();

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
// Seconds since 1970, UTC.
Json FromTime(const std::optional<base::UtcTime>& time);
template <typename Duration>
double InSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace sluice::contract
