// Goal: our own objects go, whoever left them; a neighbour's never do; and what could not be
// removed is named.
#include "staging/clean.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"

namespace sluice::staging {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kRoot = "sluice/acme/";
const base::UtcTime kNow{std::chrono::seconds(1767225600 + 86400 * 3)};  // 2026-01-04T00:00:00Z
const std::string kOld = "20260101T000000Z-00000000000000aa";
const std::string kYoung = "20260103T230000Z-00000000000000bb";
const std::string kMine = "20260104T000000Z-00000000000000cc";

TEST(CleanPrefix, RemovesObjectsAndUploadsBeneathItAndNothingBeside) {
  test::FakeObjectStore store;
  store.Add("sluice/acme/r1/t/a1/0000_part_00.parquet", "x");
  store.Add("sluice/acme/r1/t/a1/manifest", "x");
  store.Add("sluice/acme/r1/t/a10/manifest", "beside");
  store.Add("sluice/acmeother", "beside");
  store.AddUpload("sluice/acme/r1/t/a1/0001_part_00.parquet");
  store.AddUpload("sluice/other/x");
  const auto result = CleanPrefix(store, "b", kRoot, "sluice/acme/r1/t/a1/", {});
  EXPECT_EQ(result.objects_deleted, 2u);
  EXPECT_EQ(result.uploads_aborted, 1u);
  EXPECT_THAT(result.left_behind, IsEmpty());
  EXPECT_THAT(store.Keys(), ElementsAre("sluice/acme/r1/t/a10/manifest", "sluice/acmeother"));
  EXPECT_EQ(store.uploads(), 1u);
}

TEST(CleanPrefix, NeverLeavesItsRoot) {
  test::FakeObjectStore store;
  for (const char* prefix : {"", "sluice/", "sluice/acme/", "sluice/acme/r1", "other/r1/"}) {
    EXPECT_THAT([&] { CleanPrefix(store, "b", kRoot, prefix, {}); },
                test::ThrowsError(base::ErrorCode::kInternal))
        << prefix;
  }
  EXPECT_THAT(store.log(), IsEmpty());
}

TEST(CleanPrefix, NamesTheKeysThatWereRefused) {
  test::FakeObjectStore store;
  store.Add("sluice/acme/r1/t/a1/k1", "x");
  store.Add("sluice/acme/r1/t/a1/k2", "x");
  store.undeletable.insert("sluice/acme/r1/t/a1/k2");
  const auto result = CleanPrefix(store, "b", kRoot, "sluice/acme/r1/", {});
  EXPECT_THAT(result.left_behind, ElementsAre("s3://b/sluice/acme/r1/t/a1/k2"));
  EXPECT_TRUE(result.listed);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->code, base::ErrorCode::kPermission);
}

TEST(CleanPrefix, NamesThePrefixWhenItCannotEvenBeListed) {
  test::FakeObjectStore store;
  store.before = [](const std::string& operation, const std::string&) {
    if (operation == "list") {
      throw base::Error({.code = base::ErrorCode::kPermission, .operation = "List"});
    }
  };
  const auto result = CleanPrefix(store, "b", kRoot, "sluice/acme/r1/", {});
  EXPECT_THAT(result.left_behind, ElementsAre("s3://b/sluice/acme/r1/"));
  EXPECT_FALSE(result.listed);
  EXPECT_EQ(result.error->code, base::ErrorCode::kPermission);
}

TEST(CleanPrefixes, RemovesWhatIsBeneathThemWithOneListing) {
  test::FakeObjectStore store;
  for (const char* rest : {"t/a1/manifest", "t/a10/manifest", "u/b1/manifest", "u/b2/manifest"}) {
    store.Add(std::string("sluice/acme/r1/") + rest, "x");
  }
  store.AddUpload("sluice/acme/r1/u/b1/part");
  store.AddUpload("sluice/acme/r1/u/b2/part");
  const auto result = CleanPrefixes(store, "b", kRoot, "sluice/acme/r1/",
                                    {"sluice/acme/r1/t/a1/", "sluice/acme/r1/u/b1/"}, {});
  EXPECT_THAT(result.left_behind, IsEmpty());
  EXPECT_THAT(store.Keys(),
              ElementsAre("sluice/acme/r1/t/a10/manifest", "sluice/acme/r1/u/b2/manifest"));
  EXPECT_EQ(store.uploads(), 1u);
}

TEST(CleanPrefixes, NameEachIfTheyCannotBeListed) {
  test::FakeObjectStore store;
  store.before = [](const std::string& operation, const std::string&) {
    if (operation == "list") {
      throw base::Error({.code = base::ErrorCode::kPermission, .operation = "List"});
    }
  };
  const auto result = CleanPrefixes(store, "b", kRoot, "sluice/acme/r1/",
                                    {"sluice/acme/r1/t/a1/", "sluice/acme/r1/u/b1/"}, {});
  EXPECT_THAT(result.left_behind,
              ElementsAre("s3://b/sluice/acme/r1/t/a1/", "s3://b/sluice/acme/r1/u/b1/"));
}

TEST(CleanPrefixes, NeverLeaveTheirCommonPrefix) {
  test::FakeObjectStore store;
  const auto clean = [&](const std::string& common, const std::string& prefix) {
    return [&store, common, prefix] { CleanPrefixes(store, "b", kRoot, common, {prefix}, {}); };
  };
  EXPECT_THAT(clean("sluice/acme/r1/", "sluice/acme/r2/t/"),
              test::ThrowsError(base::ErrorCode::kInternal));
  EXPECT_THAT(clean("sluice/acme/r1/", "sluice/acme/r1/"),
              test::ThrowsError(base::ErrorCode::kInternal));
  EXPECT_THAT(clean("sluice/", "sluice/x/"), test::ThrowsError(base::ErrorCode::kInternal));
  EXPECT_THAT(store.log(), IsEmpty());
}

TEST(Sweep, RemovesDeadAndOldRunsAndSparesTheLiving) {
  test::FakeObjectStore store;
  const auto add = [&](const std::string& run) {
    store.Add(kRoot + run + "/t/a/manifest", "x");
    store.AddUpload(kRoot + run + "/t/a/part");
  };
  add(kOld);
  add(kYoung);
  add(kMine);
  store.Add("sluice/acme/notes.txt", "not a run of ours");
  SweepOptions options{.own_root = kRoot, .current_run = kMine};
  EXPECT_EQ(Sweep(store, "b", options, kNow, {}).objects_deleted, 1u);
  EXPECT_EQ(store.uploads(), 2u);
  options.dead_runs = {kYoung};
  EXPECT_EQ(Sweep(store, "b", options, kNow, {}).objects_deleted, 1u);
  EXPECT_EQ(store.uploads(), 1u);
  EXPECT_THAT(store.Keys(), ElementsAre(kRoot + kMine + "/t/a/manifest", "sluice/acme/notes.txt"));
}

TEST(Sweep, SparesAnOldRunThatStillWrites) {
  test::FakeObjectStore store;
  const std::string key = kRoot + kOld + "/t/a/part";
  store.Add(key, "x");
  store.SetModified(key, kNow - std::chrono::minutes(5));
  EXPECT_EQ(Sweep(store, "b", {.own_root = kRoot, .current_run = kMine}, kNow, {}).objects_deleted,
            0u);
}

TEST(Sweep, SparesWhatMayYetBeLoadedAndNothingElseOfThatRun) {
  test::FakeObjectStore store;
  const std::string spared = kRoot + kOld + "/t/a1/";
  for (const char* rest : {"t/a1/rows/manifest", "t/a10/rows/manifest", "t/a0/rows/manifest"}) {
    store.Add(kRoot + kOld + "/" + rest, "x");
  }
  store.AddUpload(spared + "rows/part");
  SweepOptions options{.own_root = kRoot, .current_run = kMine, .dead_runs = {kOld}};
  options.spared = {kRoot + kOld + "/s/", spared, kRoot + kOld + "/u/"};
  EXPECT_EQ(Sweep(store, "b", options, kNow, {}).objects_deleted, 2u);
  EXPECT_THAT(store.Keys(), ElementsAre(spared + "rows/manifest"));
  EXPECT_EQ(store.uploads(), 1u);
}

TEST(Sweep, JudgesARunNamedInTheFutureByWhenItsObjectsWereWritten) {
  test::FakeObjectStore store;
  const std::string run = "20990101T000000Z-00000000000000aa";
  store.Add(kRoot + run + "/t/a/old", "x");
  store.Add(kRoot + run + "/t/a/young", "x");
  store.SetModified(kRoot + run + "/t/a/young", kNow);
  store.AddUpload(kRoot + run + "/t/a/part");
  const SweepOptions options{.own_root = kRoot, .current_run = kMine};
  EXPECT_EQ(Sweep(store, "b", options, kNow, {}).objects_deleted, 1u);
  EXPECT_THAT(store.Keys(), ElementsAre(kRoot + run + "/t/a/young"));
  EXPECT_EQ(store.uploads(), 1u);
}

TEST(Sweep, NeverTouchesItsOwnRunHoweverOld) {
  test::FakeObjectStore store;
  store.Add(kRoot + kOld + "/t/a/part", "x");
  const SweepOptions options{.own_root = kRoot, .current_run = kOld, .dead_runs = {kOld}};
  EXPECT_EQ(Sweep(store, "b", options, kNow, {}).objects_deleted, 0u);
}

TEST(RunId, TellsItsTime) {
  const std::string id = MakeRunId(kNow, 0xcc);
  EXPECT_EQ(id, kMine);
  EXPECT_EQ(RunTime(id), kNow);
  for (const char* bad : {"", "x", "20260104T000000Z", "20260104T000000Z-cc", "2026-01-04"}) {
    EXPECT_EQ(RunTime(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace sluice::staging
