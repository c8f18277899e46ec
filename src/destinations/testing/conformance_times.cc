// Goal: a time that the destination cannot hold is refused by name and never turned into another,
// and reading it once more is not proposed; what it can hold arrives.
// G43: A date or time that the destination cannot hold is refused by table and column, and never
// becomes another one.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::TypeKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

model::StreamTarget TimesTarget(TypeKind kind) {
  model::StreamTarget target = Target();
  target.columns = {{"n", {TypeKind::kInt64}}, {"v", {kind}}};
  return target;
}

std::string Row(const std::string& value) {
  return fmt::format("SELECT CAST(1 AS BIGINT) AS n, {} AS v", value);
}

}  // namespace

TEST_P(Conformance, TimesThatItCannotHoldAreRefusedByName) {
  LoadAll(Target(), {Numbers("a", 1, 2)}, "a1");
  // The second and third of each: DuckDB's INT96 reader wraps what lies after 294247 to before
  // 290000 BC.
  const std::vector<std::pair<TypeKind, std::string>> cases = {
      {TypeKind::kTimestamp, "TIMESTAMP 'infinity'"},
      {TypeKind::kTimestamp, "TIMESTAMP '-infinity'"},
      {TypeKind::kTimestamp, "TIMESTAMP '290000-01-01 (BC) 00:00:00'"},
      {TypeKind::kTimestamp, "TIMESTAMP '4714-11-23 (BC) 23:59:59.999999'"},
      {TypeKind::kTimestampTz, "TIMESTAMP 'infinity'"},
      {TypeKind::kTimestampTz, "TIMESTAMP '290000-01-01 (BC) 00:00:00'"},
      {TypeKind::kTimestampTz, "TIMESTAMPTZ 'infinity'"},
      {TypeKind::kTimestampTz, "TIMESTAMPTZ '290000-01-01 (BC) 00:00:00+00'"},
      {TypeKind::kDate, "DATE 'infinity'"},
      {TypeKind::kDate, "DATE '-infinity'"},
      {TypeKind::kDate, "DATE '5874898-01-01'"},
      {TypeKind::kDate, "TIMESTAMP '290000-01-01 (BC) 00:00:00'"}};
  const auto destination = harness_->Open();
  int i = 0;
  for (const auto& [kind, value] : cases) {
    SCOPED_TRACE(value);
    auto load = destination->Begin(TimesTarget(kind), kCall);
    const model::LocalPart part = harness_->MakePart(fmt::format("p{}", i++), Row(value));
    try {
      load->Add({&part, 1}, kCall);
      ADD_FAILURE() << "it was taken";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_EQ(error.info().reason, "time_range");
      EXPECT_FALSE(error.info().retryable);
      EXPECT_THAT(error.info().message, HasSubstr("out of range"));
      if (kind != TypeKind::kDate) {
        EXPECT_EQ(error.info().message, "timestamp out of range");
      }
      EXPECT_EQ(error.info().subject, "column v of table sales.numbers");
      EXPECT_THAT(error.info().remedy, AllOf(HasSubstr("CAST"), Not(HasSubstr("again"))));
    }
  }
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

TEST_P(Conformance, TheFirstAndLastTimesItCanHoldArrive) {
  const std::vector<std::pair<TypeKind, std::string>> cases = {
      {TypeKind::kTimestamp, "TIMESTAMP '4714-11-24 (BC) 00:00:00'"},
      {TypeKind::kTimestamp, "TIMESTAMP '294247-01-10 04:00:54.775806'"},
      {TypeKind::kTimestampTz, "TIMESTAMP '4714-11-24 (BC) 00:00:00'"},
      {TypeKind::kTimestampTz, "TIMESTAMPTZ '294247-01-10 04:00:54.775806+00'"},
      {TypeKind::kDate, "DATE '4714-11-24 (BC)'"},
      {TypeKind::kDate, "DATE '5874897-12-31'"},
      {TypeKind::kTimestamp, "CAST(NULL AS TIMESTAMP)"}};
  int i = 0;
  for (const auto& [kind, value] : cases) {
    SCOPED_TRACE(value);
    const std::string name = fmt::format("p{}", i++);
    LoadAll(TimesTarget(kind), {harness_->MakePart(name, Row(value))}, name);
    const auto rows = ReadClosed(kTable);
    ASSERT_THAT(rows, Optional(::testing::SizeIs(1)));
    const bool bc = value.find("BC") != std::string::npos;
    EXPECT_EQ(rows->front().find("BC") != std::string::npos, bc) << rows->front();
  }
}

}  // namespace sluice::destinations
