// Goal: a source whose columns change loses no value at the destination, and whoever must decide is
// told by name.
#include <gmock/gmock.h>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::SchemaPolicy;
using model::StreamTarget;
using model::Type;
using model::TypeKind;
using model::WriteMode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

StreamTarget Shape(WriteMode mode, std::vector<model::Column> columns,
                   SchemaPolicy policy = SchemaPolicy::kFollow) {
  StreamTarget target = Target(mode);
  target.columns = std::move(columns);
  target.primary_key = {"n"};
  target.complete = false;
  target.schema_policy = policy;
  return target;
}

const model::Column kN{"n", {TypeKind::kInt64}};
const model::Column kT{"t", {TypeKind::kVarchar}};
const model::Column kU{"u", {TypeKind::kVarchar}};

std::vector<WriteMode> ModesWithSchema(Destination& destination) {
  std::vector<WriteMode> modes;
  if (destination.Describe().append) modes.push_back(WriteMode::kAppend);
  if (destination.Describe().merge) modes.push_back(WriteMode::kMerge);
  return modes;
}

auto Refuses(const std::vector<std::string>& texts) {
  std::vector<::testing::Matcher<std::string>> all;
  for (const std::string& text : texts) all.emplace_back(HasSubstr(text));
  return test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::message,
                               ::testing::AllOfArray(all));
}

}  // namespace

void SchemaChanges::SetUp() {
  Conformance::SetUp();
  destination_ = harness_->Open();
}

void SchemaChanges::TearDown() {
  if (destination_) destination_->Close();
  destination_.reset();
  Conformance::TearDown();
}

void SchemaChanges::Bring(StreamTarget target, const std::string& select) {
  const std::string name = fmt::format("p{}", ++parts_);
  auto load = destination_->Begin(target, kCall);
  const LoadedRows rows = AddAll(*load, {harness_->MakePart(name, select)});
  load->Commit(Mark(name), ProofOf(rows), kCall);
}

void SchemaChanges::StartAnew(const StreamTarget& target, const std::string& select) {
  StreamTarget first = target;
  first.write_mode = WriteMode::kOverwrite;
  first.schema_policy = SchemaPolicy::kFollow;
  Bring(first, select);
}

TEST_P(SchemaChanges, ANewColumnIsAddedAndAGoneOneKept) {
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    StartAnew(Shape(mode, {kN, kT}), "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t");
    Bring(Shape(mode, {kU, kN, kT}), "SELECT 'x' AS u, CAST(2 AS BIGINT) AS n, 'b' AS t");
    EXPECT_THAT(harness_->ColumnNames(*destination_, kTable), ElementsAre("n", "t", "u"));
    Bring(Shape(mode, {kN, kU}), "SELECT CAST(3 AS BIGINT) AS n, 'y' AS u");
    EXPECT_THAT(harness_->Read(*destination_, kTable),
                Optional(ElementsAre("1|a|NULL", "2|b|x", "3|NULL|y")));
  }
}

TEST_P(SchemaChanges, ARowThatComesAgainHasNoValueInAGoneColumn) {
  if (!destination_->Describe().merge) GTEST_SKIP() << "does not merge";
  StartAnew(Shape(WriteMode::kMerge, {kN, kT, kU}),
            "SELECT CAST(range AS BIGINT) AS n, 'a' AS t, 'b' AS u FROM range(2)");
  Bring(Shape(WriteMode::kMerge, {kN, kT}),
        "SELECT CAST(range AS BIGINT) AS n, CASE range WHEN 0 THEN 'a' ELSE 'c' END AS t FROM "
        "range(2)");
  EXPECT_THAT(harness_->Read(*destination_, kTable), Optional(ElementsAre("0|a|b", "1|c|NULL")));
}

TEST_P(SchemaChanges, WhatWidensWithoutLossIsWidened) {
  const std::vector<std::vector<std::pair<Type, std::string>>> steps = {
      {{{TypeKind::kInt16}, "CAST(-32768 AS INTEGER)"},
       {{TypeKind::kInt32}, "CAST(2147483647 AS INTEGER)"},
       {{TypeKind::kInt64}, "CAST(9223372036854775807 AS BIGINT)"}},
      {{{TypeKind::kFloat32}, "CAST(1.5 AS FLOAT)"}, {{TypeKind::kFloat64}, "CAST(0.1 AS DOUBLE)"}},
      {{{.kind = TypeKind::kVarchar, .bytes_max = 1}, "'a'"},
       {{.kind = TypeKind::kVarchar, .bytes_max = 9}, "'123456789'"}},
      {{{.kind = TypeKind::kDecimal, .precision = 4, .scale = 2}, "CAST(99.99 AS DECIMAL(4,2))"},
       {{.kind = TypeKind::kDecimal, .precision = 18, .scale = 2},
        "CAST('1234567890123456.78' AS DECIMAL(18,2))"},
       {{.kind = TypeKind::kDecimal, .precision = 38, .scale = 2},
        "CAST('-123456789012345678901234567890123456.78' AS DECIMAL(38,2))"}}};
  const std::vector<std::vector<std::string>> expected = {
      {"0|-32768", "1|2147483647", "2|9223372036854775807"},
      {"0|1.5", "1|0.1"},
      {"0|a", "1|123456789"},
      {"0|99.99", "1|1234567890123456.78", "2|-123456789012345678901234567890123456.78"}};
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      int n = 0;
      for (const auto& [type, value] : steps[i]) {
        const std::string select = fmt::format("SELECT CAST({} AS BIGINT) AS n, {} AS v", n, value);
        if (n == 0) {
          StartAnew(Shape(mode, {kN, {"v", type}}), select);
        } else {
          Bring(Shape(mode, {kN, {"v", type}}), select);
        }
        ++n;
      }
      EXPECT_THAT(harness_->Read(*destination_, kTable),
                  Optional(::testing::ElementsAreArray(expected[i])));
    }
  }
}

TEST_P(SchemaChanges, WhatWouldLoseValuesIsRefusedByName) {
  const Type decimal{.kind = TypeKind::kDecimal, .precision = 18, .scale = 2};
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    StartAnew(Shape(mode, {kN, {"i", {TypeKind::kInt64}}, {"d", decimal}, kT}),
              "SELECT CAST(1 AS BIGINT) AS n, CAST(2 AS BIGINT) AS i, CAST(3 AS DECIMAL(18,2)) AS "
              "d, 'a' AS t");
    StreamTarget target =
        Shape(mode, {kN,
                     {"i", {TypeKind::kInt32}},
                     {"d", {.kind = TypeKind::kDecimal, .precision = 18, .scale = 4}},
                     {"t", {TypeKind::kDate}}});
    // Before anything was unloaded, and all at once.
    EXPECT_THAT([&] { destination_->Begin(target, kCall); },
                Refuses({"column i", "column d", "column t"}));
    EXPECT_THAT(harness_->Read(*destination_, kTable), Optional(ElementsAre("1|2|3.00|a")));
  }
}

TEST_P(SchemaChanges, FreezeBringsOnlyTheColumnsThatAreThere) {
  std::vector<WriteMode> modes = ModesWithSchema(*destination_);
  modes.push_back(WriteMode::kOverwrite);
  for (const WriteMode mode : modes) {
    StartAnew(Shape(mode, {kN, kT}), "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t");
    Bring(Shape(mode, {kU, kN, kT}, SchemaPolicy::kFreeze),
          "SELECT 'x' AS u, CAST(2 AS BIGINT) AS n, 'b' AS t");
    Bring(Shape(mode, {kN, kU}, SchemaPolicy::kFreeze), "SELECT CAST(3 AS BIGINT) AS n, 'y' AS u");
    EXPECT_THAT(harness_->ColumnNames(*destination_, kTable), ElementsAre("n", "t"));
    const auto rows = harness_->Read(*destination_, kTable);
    if (mode == WriteMode::kOverwrite) {
      EXPECT_THAT(rows, Optional(ElementsAre("3|NULL")));
    } else {
      EXPECT_THAT(rows, Optional(ElementsAre("1|a", "2|b", "3|NULL")));
    }
    EXPECT_THAT(
        [&] {
          destination_->Begin(Shape(mode, {{"n", {TypeKind::kInt16}}, kT}, SchemaPolicy::kFreeze),
                              kCall);
        },
        Refuses({"column n"}));
  }
}

TEST_P(SchemaChanges, FreezeStillNeedsTheKeyAtTheDestination) {
  if (!destination_->Describe().merge) GTEST_SKIP() << "does not merge";
  StartAnew(Shape(WriteMode::kMerge, {kT}), "SELECT 'a' AS t");
  EXPECT_THAT(
      [&] {
        destination_->Begin(Shape(WriteMode::kMerge, {kN, kT}, SchemaPolicy::kFreeze), kCall);
      },
      Refuses({"no column n"}));
}

TEST_P(SchemaChanges, FailNamesEveryDifference) {
  std::vector<WriteMode> modes = ModesWithSchema(*destination_);
  modes.push_back(WriteMode::kOverwrite);
  for (const WriteMode mode : modes) {
    StartAnew(Shape(mode, {kN, kT, {"i", {TypeKind::kInt16}}}),
              "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t, CAST(1 AS INTEGER) AS i");
    EXPECT_THAT(
        [&] {
          destination_->Begin(Shape(mode, {kN, kU, {"i", {TypeKind::kInt32}}}, SchemaPolicy::kFail),
                              kCall);
        },
        Refuses({"column u is new", "column t is gone", "column i", "renamed"}));
    Bring(Shape(mode, {{"i", {TypeKind::kInt16}}, kN, kT}, SchemaPolicy::kFail),
          "SELECT CAST(2 AS INTEGER) AS i, CAST(2 AS BIGINT) AS n, 'b' AS t");
    EXPECT_EQ(harness_->Read(*destination_, kTable)->size(),
              mode == WriteMode::kOverwrite ? 1u : 2u);
  }
}

TEST_P(SchemaChanges, ADroppedLoadChangesNoColumn) {
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    StartAnew(Shape(mode, {kN, {"i", {TypeKind::kInt16}}}),
              "SELECT CAST(1 AS BIGINT) AS n, CAST(1 AS INTEGER) AS i");
    const model::LocalPart part = harness_->MakePart(
        "more", "SELECT CAST(1 AS BIGINT) AS n, CAST(70000 AS INTEGER) AS i, 'x' AS u");
    auto load = destination_->Begin(Shape(mode, {kN, {"i", {TypeKind::kInt32}}, kU}), kCall);
    AddAll(*load, {part});
    load.reset();
    EXPECT_THAT(harness_->ColumnNames(*destination_, kTable), ElementsAre("n", "i"));
    Bring(Shape(mode, {kN, {"i", {TypeKind::kInt16}}}, SchemaPolicy::kFail),
          "SELECT CAST(2 AS BIGINT) AS n, CAST(2 AS INTEGER) AS i");
  }
}

TEST_P(SchemaChanges, ADecimalThatOnlyThePartsTellFindsItsColumn) {
  const model::Column unknown{"v", {.kind = TypeKind::kDecimal}};
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    // Without a part nothing tells it: the next load does.
    StreamTarget target = Shape(WriteMode::kOverwrite, {kN, unknown});
    auto load = destination_->Begin(target, kCall);
    load->Commit(Mark("empty"), {}, kCall);
    load.reset();
    Bring(Shape(mode, {kN, unknown}),
          "SELECT CAST(1 AS BIGINT) AS n, CAST('1.25' AS DECIMAL(18,2)) AS v");
    load = destination_->Begin(Shape(mode, {kN, unknown}), kCall);
    load->Commit(Mark("empty again"), {}, kCall);
    load.reset();
    EXPECT_THAT(harness_->Read(*destination_, kTable), Optional(ElementsAre("1|1.25")));
  }
}

// G44: A column that is gone at the source is told once, whatever the write mode is.
TEST_P(SchemaChanges, WhatWentOrCameIsToldOncePerChange) {
  std::vector<WriteMode> modes = ModesWithSchema(*destination_);
  modes.push_back(WriteMode::kOverwrite);
  const auto notes = [&] { return harness_->log.Take(); };
  const auto tells = [](const std::string& text) { return ::testing::Contains(HasSubstr(text)); };
  const std::string both = "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t";
  const std::string one = "SELECT CAST(1 AS BIGINT) AS n";
  for (const WriteMode mode : modes) {
    SCOPED_TRACE(model::ToString(mode));
    StartAnew(Shape(mode, {kN, kT}), both);
    notes();
    Bring(Shape(mode, {kN, kT}), both);
    EXPECT_THAT(notes(), ::testing::IsEmpty());
    Bring(Shape(mode, {kN}), one);
    EXPECT_THAT(notes(), AllOf(::testing::SizeIs(1), tells("column t is gone")));
    Bring(Shape(mode, {kN}), one);
    EXPECT_THAT(notes(), ::testing::IsEmpty());
    // Back, which an overwritten table takes for new.
    Bring(Shape(mode, {kN, kT}), both);
    EXPECT_THAT(notes(), AllOf(::testing::SizeIs(1), tells("column t is ")));
    Bring(Shape(mode, {kN, kT}), both);
    EXPECT_THAT(notes(), ::testing::IsEmpty());
    // Renamed: one is gone, one is new.
    Bring(Shape(mode, {kN, kU}), "SELECT CAST(1 AS BIGINT) AS n, 'a' AS u");
    EXPECT_THAT(notes(), AllOf(::testing::SizeIs(3), tells("column t is gone"),
                               tells("column u is new"), tells("if it was renamed")));
    Bring(Shape(mode, {kN, kU}), "SELECT CAST(1 AS BIGINT) AS n, 'b' AS u");
    EXPECT_THAT(notes(), ::testing::IsEmpty());
  }
}

TEST_P(SchemaChanges, AColumnThatIsLeftOutIsToldOnce) {
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    StartAnew(Shape(mode, {kN}), "SELECT CAST(1 AS BIGINT) AS n");
    harness_->log.Take();
    const StreamTarget wider = Shape(mode, {kN, kT}, SchemaPolicy::kFreeze);
    for (const std::size_t told : {1u, 0u}) {
      Bring(wider, "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t");
      EXPECT_THAT(harness_->log.Take(), ::testing::SizeIs(told));
    }
  }
}

// What was told of a load that failed is told again by the next.
TEST_P(SchemaChanges, AChangeIsToldByTheLoadThatCommitsIt) {
  for (const WriteMode mode : ModesWithSchema(*destination_)) {
    StartAnew(Shape(mode, {kN, kT}), "SELECT CAST(1 AS BIGINT) AS n, 'a' AS t");
    harness_->log.Take();
    destination_->Begin(Shape(mode, {kN}), kCall);
    EXPECT_THAT(harness_->log.Take(), ::testing::IsEmpty());
    Bring(Shape(mode, {kN}), "SELECT CAST(1 AS BIGINT) AS n");
    EXPECT_THAT(harness_->log.Take(), ::testing::SizeIs(1));
  }
}

}  // namespace sluice::destinations
