// Goal: what a load would be refused for is told by Examine, before anything is unloaded, and
// asking changes nothing.
#include <gmock/gmock.h>

#include "base/error.h"
#include "destinations/testing/conformance.h"
#include "destinations/testing/conformance_support.h"
#include "tests/support/matchers.h"

namespace sluice::destinations {
namespace {

using base::ErrorCode;
using model::StreamTarget;
using model::TypeKind;
using model::WriteMode;
using ::testing::ElementsAre;
using ::testing::Optional;

std::vector<WriteMode> Modes(Destination& destination) {
  std::vector<WriteMode> modes{WriteMode::kOverwrite};
  if (destination.Describe().append) modes.push_back(WriteMode::kAppend);
  if (destination.Describe().merge) modes.push_back(WriteMode::kMerge);
  return modes;
}

StreamTarget In(const std::string& schema, WriteMode mode = WriteMode::kOverwrite) {
  StreamTarget target = Target(mode);
  target.table.schema = schema;
  target.primary_key = {"n"};
  return target;
}

// "" or "unsupported: what and why".
template <typename Body>
std::string Told(const Body& body) {
  try {
    body();
  } catch (const base::Error& error) {
    return std::string(base::ErrorCodeName(error.code())) + ": " + error.info().subject + ": " +
           error.info().message;
  }
  return {};
}

void ExpectRefusedAlike(Destination& destination, const StreamTarget& target) {
  const std::string examined = Told([&] { destination.Examine(target, kCall); });
  EXPECT_THAT(examined, ::testing::StartsWith("unsupported")) << target.table.ToString();
  EXPECT_EQ(examined, Told([&] { destination.Begin(target, kCall); }));
}

}  // namespace

TEST_P(Conformance, ExamineAllowsWhatALoadMayDoAndChangesNothing) {
  {
    const auto destination = harness_->Open();
    for (const WriteMode mode : Modes(*destination)) {
      destination->Examine(In("sales", mode), kCall);
      const model::Landing landing = destination->Examine(In("sales", mode), kCall);
      EXPECT_EQ(landing.table, model::Landing::Table::kCreate);
      ASSERT_EQ(landing.columns.size(), 2U);
      EXPECT_EQ(landing.columns[0].name, "n");
      EXPECT_FALSE(landing.columns[0].type.empty());
    }
    EXPECT_EQ(harness_->Read(*destination, kTable), std::nullopt);
    EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall), std::nullopt);
    destination->Close();
  }
  LoadAll(Target(), {Numbers("a", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  for (const WriteMode mode : Modes(*destination)) {
    StreamTarget target = In("sales", mode);
    EXPECT_THAT(destination->Examine(target, kCall).changes, ::testing::IsEmpty());
    target.columns.push_back({"u", {TypeKind::kDecimal, 9, 2}});
    const model::Landing landing = destination->Examine(target, kCall);
    EXPECT_EQ(landing.table, mode == WriteMode::kOverwrite ? model::Landing::Table::kReplace
                                                           : model::Landing::Table::kKeep);
    EXPECT_THAT(landing.changes, ElementsAre("column u is new"));
    ASSERT_EQ(landing.columns.size(), 3U);
    EXPECT_EQ(landing.columns[2].name, "u");
  }
  EXPECT_THAT(harness_->ColumnNames(*destination, kTable), ElementsAre("n", "t"));
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  EXPECT_EQ(destination->ReadCommitted("sales.numbers", kCall)->watermark.attempt, "a1");
  destination->Close();
}

TEST_P(Conformance, ExamineAsksBesideALoadOfAnotherTable) {
  const auto destination = harness_->Open();
  auto load = destination->Begin(Target(), kCall);
  const LoadedRows rows = AddAll(*load, {Numbers("a", 1, 2)});
  destination->Examine(TargetNamed("others"), kCall);
  load->Commit(Mark("a1"), ProofOf(rows), kCall);
  load.reset();
  EXPECT_THAT(harness_->Read(*destination, kTable), Optional(ElementsAre("1|t1", "2|t2")));
  destination->Close();
}

TEST_P(Conformance, OwnSchemasAreRefusedBeforeAnythingIsRead) {
  const auto destination = harness_->Open();
  std::vector<std::string> schemas = harness_->EngineSchemas();
  schemas.insert(schemas.end(), {"_sluice", "_SLUICE"});
  for (const std::string& schema : schemas) {
    for (const WriteMode mode : Modes(*destination)) {
      ExpectRefusedAlike(*destination, In(schema, mode));
    }
    EXPECT_THAT([&] { destination->Examine(In(schema), kCall); },
                test::ThrowsErrorWith(ErrorCode::kUnsupported, &base::ErrorInfo::reason,
                                      ::testing::Eq("reserved_schema")));
  }
  destination->Close();
}

TEST_P(Conformance, WhatIsNoTableStaysAndIsRefused) {
  LoadAll(TargetNamed("other"), {Numbers("a", 1, 2)}, "a1");
  for (const std::string& kind : harness_->Squatters()) {
    const std::string name = "squatted by " + kind;
    const auto destination = harness_->Open();
    harness_->Squat(*destination, kind, {"sales", name});
    for (const WriteMode mode : Modes(*destination)) {
      StreamTarget target = TargetNamed(name);
      target.write_mode = mode;
      target.primary_key = {"n"};
      const std::string examined = Told([&] { destination->Examine(target, kCall); });
      EXPECT_THAT(examined, ::testing::HasSubstr(kind)) << examined;
      EXPECT_EQ(examined, Told([&] { destination->Begin(target, kCall); }));
    }
    destination->Close();
  }
}

TEST_P(Conformance, ExamineRefusesColumnsThatALoadWouldRefuse) {
  LoadAll(Target(), {Numbers("a", 1, 2)}, "a1");
  const auto destination = harness_->Open();
  for (const WriteMode mode : Modes(*destination)) {
    StreamTarget changed = In("sales", mode);
    changed.columns[1].type = {TypeKind::kDate};
    if (mode != WriteMode::kOverwrite) ExpectRefusedAlike(*destination, changed);
    changed.schema_policy = model::SchemaPolicy::kFail;
    ExpectRefusedAlike(*destination, changed);
    StreamTarget none = In("sales", mode);
    none.columns.clear();
    ExpectRefusedAlike(*destination, none);
    StreamTarget unreadable = In("sales", mode);
    unreadable.columns.push_back({"h", {TypeKind::kHllSketch}});
    ExpectRefusedAlike(*destination, unreadable);
  }
  if (destination->Describe().merge) {
    StreamTarget target = In("sales", WriteMode::kMerge);
    target.primary_key = {"missing"};
    ExpectRefusedAlike(*destination, target);
    target.primary_key = {};
    ExpectRefusedAlike(*destination, target);
  }
  destination->Close();
}

}  // namespace sluice::destinations
