// Goal: a lake passes the suite of every destination, in a folder and in a bucket.
#include "destinations/lake/testing/lake_support.h"
#include "destinations/testing/conformance.h"
#include "tests/support/fake_clock.h"

namespace sluice::destinations::lake {
namespace {

namespace fs = std::filesystem;

class LakeHarness final : public Harness {
 public:
  LakeHarness(fs::path folder, bool in_bucket) : folder_(std::move(folder)) {
    if (in_bucket) store_.emplace(folder_ / "buckets", "lake");
    files_ = in_bucket ? OpenBucket(*store_, "lake", "w/", folder_) : OpenFolder(folder_ / "lake");
  }

  std::unique_ptr<Destination> Open() override {
    LakeOptions options{.work_dir = folder_ / "work", .parts_dir = folder_};
    // A reader that has begun goes on while others commit.
    options.keep_for = std::chrono::hours(1);
    if (store_) {
      options.store = &*store_;
      options.bucket = "lake";
      options.prefix = "w/";
    } else {
      options.folder = folder_ / "lake";
    }
    return OpenLake(options, clock_, log);
  }
  model::LocalPart MakePart(const std::string& name, const std::string& select) override {
    return WritePart(folder_, name, select);
  }
  std::optional<std::vector<std::string>> Read(Destination&,
                                               const model::TableName& table) override {
    return ReadLake(*files_, table, [&](const std::string& name) {
      return store_ ? store_->PathOf("w/" + name) : folder_ / "lake" / name;
    });
  }
  std::vector<std::string> ColumnNames(Destination&, const model::TableName& table) override {
    std::vector<std::string> names;
    const auto commit = LakeTable(*files_, table).Newest({});
    for (const LakeColumn& column : commit->columns) names.push_back(column.name);
    return names;
  }
  bool IgnoresCase() const override { return false; }
  bool IsLocalFile() const override { return false; }  // nobody holds it; lake_folder_test.cc

 private:
  const fs::path folder_;
  std::optional<test::FolderObjectStore> store_;
  std::unique_ptr<LakeFiles> files_;
  test::FakeClock clock_;
};

std::unique_ptr<Harness> MakeFolderHarness(const fs::path& folder) {
  return std::make_unique<LakeHarness>(folder, false);
}
std::unique_ptr<Harness> MakeBucketHarness(const fs::path& folder) {
  return std::make_unique<LakeHarness>(folder, true);
}

// A lake does not merge: it says so (lake_folder_test.cc).
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Merging);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(History);
INSTANTIATE_TEST_SUITE_P(LakeFolder, Conformance, ::testing::Values(&MakeFolderHarness));
INSTANTIATE_TEST_SUITE_P(LakeFolder, SchemaChanges, ::testing::Values(&MakeFolderHarness));
INSTANTIATE_TEST_SUITE_P(LakeBucket, Conformance, ::testing::Values(&MakeBucketHarness));
INSTANTIATE_TEST_SUITE_P(LakeBucket, SchemaChanges, ::testing::Values(&MakeBucketHarness));

}  // namespace
}  // namespace sluice::destinations::lake
