// Goal: a copy is one moment of the database, whole, and its owner's alone; nothing is replaced.
#include "serve/store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "serve/store/schema.h"
#include "serve/store/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

class BackupTest : public testing::Test {
 protected:
  BackupTest() { data_.Make(); }

  std::unique_ptr<Store> Open(const DataFolder& data) {
    return Store::Open(data.root(), keyring_, clock_);
  }

  test::TempDir dir_;
  const DataFolder data_{dir_.path() / "data"};
  const Keyring keyring_{{NewKey()}};
  test::FakeClock clock_;
};

TEST_F(BackupTest, IsOneMomentOfAServiceThatRuns) {
  const auto running = Open(data_);
  const Tenant tenant = running->AddTenant("Acme", std::nullopt);
  const Resource source = running->Add({.kind = Kind::kSource,
                                        .tenant = tenant.id,
                                        .name = "warehouse",
                                        .secrets = {{"secret_access_key", base::Secret("shh")}}});
  const DataFolder copy(dir_.path() / "copy");
  copy.Make();
  const auto mask = umask(0);
  const std::int64_t bytes = BackUp(data_, copy.database());
  umask(mask);
  running->AddTenant("later", std::nullopt);
  struct stat status {};
  ASSERT_EQ(stat(copy.database().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_size, bytes);
  const auto restored = Open(copy);
  EXPECT_THAT(restored->Tenants({}).items, testing::SizeIs(1));
  EXPECT_EQ(restored->Get(Kind::kSource, tenant.id, source.id, true).secrets, source.secrets);
}

TEST_F(BackupTest, ReplacesNothingAndLeavesNothingHalf) {
  Open(data_);
  const auto to = dir_.path() / "backups" / "service.db";
  const auto refused = [&](ErrorCode code) {
    EXPECT_THAT([&] { BackUp(data_, to); }, test::ThrowsError(code));
  };
  refused(ErrorCode::kNotFound);  // no such folder
  std::filesystem::create_directory(to.parent_path());
  std::filesystem::create_symlink("nowhere", to);
  refused(ErrorCode::kConflict);
  std::filesystem::remove(to);
  std::ofstream(to) << "something";
  refused(ErrorCode::kConflict);
  std::filesystem::remove(to);
  sqlite::Database(data_.database(), sqlite::Open::kExisting, ExplainStore)
      .Execute("PRAGMA user_version=99");
  refused(ErrorCode::kCorrupt);  // a newer program's
  EXPECT_TRUE(std::filesystem::is_empty(to.parent_path()));
}

}  // namespace
}  // namespace sluice::serve
