// Goal: what changed in the columns is told, and a rename is guessed at only where one column went
// and one of its type came.
#include "destinations/schema_plan.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "destinations/duckdb/duckdb_dialect.h"
#include "tests/support/matchers.h"

namespace sluice::destinations::duckdb {
namespace {

using model::SchemaPolicy;
using model::TypeKind;
using model::WriteMode;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ExistingTable kThere{.columns = {{"id", "BIGINT"}, {"total", "BIGINT"}, {"name", "VARCHAR"}},
                           .empty = false};

model::StreamTarget Stream(WriteMode mode, SchemaPolicy policy,
                           std::vector<model::Column> columns) {
  columns.insert(columns.begin(), {"id", {TypeKind::kInt64}});
  return {.stream = "s",
          .table = {"sales", "orders"},
          .columns = std::move(columns),
          .write_mode = mode,
          .primary_key = {"id"},
          .schema_policy = policy};
}

const model::Column kTotal{"total", {TypeKind::kInt64}};
const model::Column kSum{"sum", {TypeKind::kInt64}};
const model::Column kSize{"size", {TypeKind::kInt64}};
const model::Column kName{"name", {TypeKind::kVarchar}};
const model::Column kWords{"words", {TypeKind::kVarchar}};

std::vector<std::string> Notes(WriteMode mode, SchemaPolicy policy,
                               std::vector<model::Column> columns) {
  return PlanSchema(Stream(mode, policy, std::move(columns)), kThere, DuckDbDialect()).notes;
}

TEST(SchemaNotes, ARenameIsToldAsDropAndAddWithAHint) {
  const auto rename =
      AllOf(HasSubstr("column total is dropped and column sum is added, both BIGINT"),
            HasSubstr("if it was renamed"));
  for (const WriteMode mode : {WriteMode::kMerge, WriteMode::kAppend, WriteMode::kOverwrite}) {
    EXPECT_THAT(Notes(mode, SchemaPolicy::kFollow, {kSum, kName}), Contains(rename))
        << ToString(mode);
  }
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFollow, {kSum, kName}),
              Contains(HasSubstr("sync --full")));
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFreeze, {kSum, kName}), Contains(rename));
  EXPECT_THAT(
      [] {
        Notes(WriteMode::kMerge, SchemaPolicy::kFail, {kSum, kName});
      },
      test::ThrowsErrorWith(
          base::ErrorCode::kUnsupported, &base::ErrorInfo::message,
          AllOf(rename, HasSubstr("ALTER TABLE \"sales\".\"orders\" RENAME COLUMN "
                                  "\"total\" TO \"sum\";"))));
}

TEST(SchemaNotes, EachRenameIsToldByItsType) {
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFollow, {kSum, kWords}),
              AllOf(Contains(HasSubstr("total is dropped and column sum is added")),
                    Contains(HasSubstr("name is dropped and column words is added"))));
}

TEST(SchemaNotes, NoRenameIsGuessedAtAmongSeveral) {
  const auto hint = HasSubstr("renamed");
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFollow, {kSum, kSize, kName}),
              Not(Contains(hint)));
  // Of another type.
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFollow, {kWords, kName}),
              Not(Contains(hint)));
  // Nothing went.
  EXPECT_THAT(Notes(WriteMode::kMerge, SchemaPolicy::kFollow, {kTotal, kSum, kName}),
              ElementsAre("column sum is new"));
}

// What the last commit had, this one, and what is told in every mode that keeps the table.
TEST(SchemaNotes, AColumnThatWentIsToldOnce) {
  const auto notes = [](WriteMode mode, SchemaPolicy policy,
                        std::optional<std::vector<std::string>> last,
                        std::vector<model::Column> columns) {
    ExistingTable there = kThere;
    there.last_columns = std::move(last);
    there.must_stay = true;
    return PlanSchema(Stream(mode, policy, std::move(columns)), there, DuckDbDialect()).notes;
  };
  const std::vector<std::string> all = {"id", "total", "name"};
  const std::string gone = "column name is gone: rows that come have no value in it";
  for (const WriteMode mode : {WriteMode::kMerge, WriteMode::kAppend, WriteMode::kOverwrite}) {
    for (const SchemaPolicy policy : {SchemaPolicy::kFollow, SchemaPolicy::kFreeze}) {
      SCOPED_TRACE(ToString(mode));
      EXPECT_THAT(notes(mode, policy, all, {kTotal}), ElementsAre(gone));
      EXPECT_THAT(notes(mode, policy, {{"id", "total"}}, {kTotal}), IsEmpty());
      EXPECT_THAT(notes(mode, policy, {{"id", "total"}}, {kTotal, kName}),
                  ElementsAre("column name is back"));
      EXPECT_THAT(notes(mode, policy, all, {kTotal, kName}), IsEmpty());
      // DuckDB knows names by their letters alone.
      EXPECT_THAT(notes(mode, policy, {{"ID", "Total", "NAME"}}, {kTotal}), ElementsAre(gone));
      // Of a commit that did not say: rather twice than never.
      EXPECT_THAT(notes(mode, policy, std::nullopt, {kTotal}), ElementsAre(gone));
      EXPECT_THAT(notes(mode, policy, all, {}),
                  ::testing::UnorderedElementsAre(
                      gone, "column total is gone: rows that come have no value in it"));
    }
    // Renamed: one went, one came, and perhaps they are the same.
    EXPECT_THAT(notes(mode, SchemaPolicy::kFollow, all, {kTotal, kWords}),
                ElementsAre("column words is new", gone, HasSubstr("if it was renamed")));
    // What went long ago was not renamed to what comes now.
    EXPECT_THAT(notes(mode, SchemaPolicy::kFollow, {{"id", "total"}}, {kTotal, kWords}),
                ElementsAre("column words is new"));
    EXPECT_THAT(notes(mode, SchemaPolicy::kFreeze, all, {kTotal, kName, kSize}),
                ElementsAre("column size is new and left out (freeze)"));
    EXPECT_THAT(notes(mode, SchemaPolicy::kFreeze, {{"id", "total", "name", "size"}},
                      {kTotal, kName, kSize}),
                IsEmpty());
  }
}

TEST(SchemaNotes, AReplacedTableTellsWhatChanged) {
  EXPECT_THAT(
      Notes(WriteMode::kOverwrite, SchemaPolicy::kFollow, {{"total", {TypeKind::kInt32}}, kWords}),
      ::testing::UnorderedElementsAre(
          "column words is new", "column name is gone",
          "column total is BIGINT there and INTEGER now",
          AllOf(HasSubstr("name is dropped and column words is added"))));
  EXPECT_THAT(Notes(WriteMode::kOverwrite, SchemaPolicy::kFollow, {kTotal, kName}), IsEmpty());
}

}  // namespace
}  // namespace sluice::destinations::duckdb
