// Goal: types are written as Redshift writes them; a proof agrees only if every number does.
#include "model/types.h"

#include <gtest/gtest.h>

#include <set>

#include "model/part.h"
#include "model/stream.h"

namespace sluice::model {
namespace {

TEST(Type, IsWrittenAsRedshiftWritesIt) {
  EXPECT_EQ(ToString({.kind = TypeKind::kDecimal, .precision = 18, .scale = 2}), "decimal(18,2)");
  EXPECT_EQ(ToString({.kind = TypeKind::kVarchar, .bytes_max = 40}), "varchar(40)");
  EXPECT_EQ(ToString({.kind = TypeKind::kVarchar}), "varchar");
  std::set<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(TypeKind::kHllSketch); ++kind) {
    names.insert(ToString({.kind = static_cast<TypeKind>(kind)}));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(TypeKind::kHllSketch) + 1);
}

TEST(Modes, HaveTheNamesOfTheConfiguration) {
  EXPECT_EQ(ToString(SyncMode::kFullRefresh), "full_refresh");
  EXPECT_EQ(ToString(SyncMode::kIncremental), "incremental");
  EXPECT_EQ(ToString(WriteMode::kOverwrite), "overwrite");
  EXPECT_EQ(ToString(WriteMode::kAppend), "append");
  EXPECT_EQ(ToString(WriteMode::kMerge), "merge");
}

TEST(Proof, AgreesOnlyIfEveryNumberDoes) {
  const Proof good{.notice_rows = 5,
                   .manifest_rows = 5,
                   .footer_rows = 5,
                   .loaded_rows = 5,
                   .parts = 1,
                   .manifest_bytes = 9,
                   .fetched_bytes = 9};
  EXPECT_TRUE(good.Agrees());
  Proof without_notice = good;
  without_notice.notice_rows.reset();
  EXPECT_TRUE(without_notice.Agrees());
  for (auto Proof::*field : {&Proof::manifest_rows, &Proof::footer_rows, &Proof::loaded_rows,
                             &Proof::manifest_bytes, &Proof::fetched_bytes}) {
    Proof bad = good;
    bad.*field += 1;
    EXPECT_FALSE(bad.Agrees());
  }
  Proof bad = good;
  bad.notice_rows = 4;
  EXPECT_FALSE(bad.Agrees());
}

TEST(DeletePolicy, AsksAboveItsShareFromSomeRowsOn) {
  const DeletePolicy policy;  // half, of 100 rows or more
  EXPECT_TRUE(policy.Allows(0, 100));
  EXPECT_TRUE(policy.Allows(50, 100));
  EXPECT_FALSE(policy.Allows(51, 100));
  EXPECT_FALSE(policy.Allows(100, 100));
  EXPECT_TRUE(policy.Allows(99, 99));
  const DeletePolicy none{.share_max = 0.0, .share_rows_min = 0};
  EXPECT_TRUE(none.Allows(0, 3));
  EXPECT_FALSE(none.Allows(1, 3));
  EXPECT_TRUE((DeletePolicy{.share_max = std::nullopt}.Allows(1000, 1000)));
}

TEST(Counts, AddUpOnlyIfEveryRowThatCameIsAccountedFor) {
  const Counts good{.inserted = 1,
                    .updated = 2,
                    .unchanged = 3,
                    .deleted = 9,
                    .skipped = 4,
                    .duplicates = 1,
                    .deleted_absent = 5};
  EXPECT_TRUE(good.AddUpTo(1 + 2 + 3 + 4 + (9 - 5)));
  EXPECT_FALSE(good.AddUpTo(13));
  EXPECT_FALSE(good.AddUpTo(15));
}

}  // namespace
}  // namespace sluice::model
