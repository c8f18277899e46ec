// Goal: a new key, whenever the process dies, leaves every secret readable; keys and folders are
// the service's alone.
#include "serve/store/rotate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

std::optional<std::string> NoVariable(std::string_view) { return std::nullopt; }

class RotateTest : public testing::Test {
 protected:
  RotateTest() {
    data_.Make();
    const auto store = Store::Open(data_.root(), Load(true).keyring, clock_);
    tenant_ = store->AddTenant("Acme", std::nullopt).id;
    for (int i = 0; i < 3; ++i) {
      sources_.push_back(store->Add(
          {.kind = Kind::kSource,
           .tenant = tenant_,
           .name = std::to_string(i),
           .secrets = {{"secret_access_key", base::Secret("value " + std::to_string(i))}}}));
    }
    store->ClaimKey("tok", "key", "request");
    store->SaveAnswer("tok", "key", {.status = 201, .body = "answer"});
  }

  LoadedKeyring Load(bool may_make = false) {
    return LoadKeyring(data_.key_file(), NoVariable, may_make);
  }
  // With the keys that lie there now.
  void ExpectReadable() {
    const auto store = Store::Open(data_.root(), Load().keyring, clock_);
    for (const Resource& source : sources_) {
      EXPECT_EQ(store->Get(Kind::kSource, tenant_, source.id, true).secrets, source.secrets);
    }
    EXPECT_EQ(store->ClaimKey("tok", "key", "request")->body, "answer");
  }
  // Ends as a process does that is killed there.
  void DieIn(RotationStep step) {
    const pid_t child = fork();
    if (child == 0) {
      RotateKey(data_, Load(), clock_, [&](RotationStep at) {
        if (at == step) _exit(42);
      });
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 42);
  }

  test::TempDir dir_;
  const DataFolder data_{dir_.path() / "data"};
  test::FakeClock clock_;
  std::string tenant_;
  std::vector<Resource> sources_;
};

TEST_F(RotateTest, SealsEverythingWithANewKeyAndForgetsTheOld) {
  const LoadedKeyring old = Load();
  const Rotated rotated = RotateKey(data_, old, clock_);
  EXPECT_EQ(rotated.values, 5);  // three secrets, an answer, the word that tells the key
  ExpectReadable();
  ASSERT_EQ(Load().keyring.keys().size(), 1U);
  EXPECT_EQ(Load().keyring.current().id, rotated.key_id);
  EXPECT_THAT(
      [&] { Store::Open(data_.root(), old.keyring, clock_); },
      test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::reason, "wrong_key"));
}

// G75: A change of the service's key that dies at any point leaves every secret readable, and the
// next start ends it.
TEST_F(RotateTest, ADeathAtAnyPointLosesNothing) {
  for (const RotationStep step : {RotationStep::kKeysWritten, RotationStep::kSealed}) {
    const std::string before = Load().keyring.current().id;
    DieIn(step);
    EXPECT_EQ(Load().keyring.keys().size(), 2U);
    ExpectReadable();
    const Keyring ended = EndRotation(data_, Load(), clock_);
    EXPECT_NE(ended.current().id, before);
    EXPECT_EQ(Load().keyring.keys().size(), 1U);
    EXPECT_EQ(Load().keyring.Find(before), nullptr);
    ExpectReadable();
  }
}

TEST_F(RotateTest, OneThatDiedCanBeRotatedAgain) {
  DieIn(RotationStep::kKeysWritten);
  DieIn(RotationStep::kKeysWritten);
  RotateKey(data_, Load(), clock_);
  EXPECT_EQ(Load().keyring.keys().size(), 1U);
  ExpectReadable();
}

TEST_F(RotateTest, AServiceThatRunsTakesTheNewKeyUp) {
  const auto running =
      Store::Open(data_.root(), Load().keyring, clock_, [&] { return Load().keyring; });
  // Both ways to come to know of it: by what is written, and by what is read.
  RotateKey(data_, Load(), clock_);
  sources_.push_back(
      running->Add({.kind = Kind::kSource,
                    .tenant = tenant_,
                    .name = "after the first",
                    .secrets = {{"secret_access_key", base::Secret("value after")}}}));
  running->ClaimKey("tok", "key 2", "request");
  running->SaveAnswer("tok", "key 2", {.status = 201, .body = "answer 2"});
  ExpectReadable();  // with the new key alone
  EXPECT_EQ(
      Store::Open(data_.root(), Load().keyring, clock_)->ClaimKey("tok", "key 2", "request")->body,
      "answer 2");
  RotateKey(data_, Load(), clock_);
  for (const Resource& source : sources_) {
    EXPECT_EQ(running->Get(Kind::kSource, tenant_, source.id, true).secrets, source.secrets);
  }
  // One that died before it sealed: the key in force is still the old one.
  DieIn(RotationStep::kKeysWritten);
  const auto beside = Store::Open(data_.root(), Load().keyring, clock_);
  for (const auto& store : {running.get(), beside.get()}) {
    sources_.push_back(store->Add({.kind = Kind::kSource,
                                   .tenant = tenant_,
                                   .name = store == running.get() ? "running" : "beside",
                                   .secrets = {{"secret_access_key", base::Secret("v")}}}));
  }
  EndRotation(data_, Load(), clock_);
  ExpectReadable();
}

TEST_F(RotateTest, AWrongKeyWritesNothing) {
  const LoadedKeyring right = Load();
  const LoadedKeyring wrong{.keyring = Keyring({NewKey()}), .file = data_.key_file()};
  EXPECT_THAT([&] { RotateKey(data_, wrong, clock_); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  EXPECT_EQ(Load().keyring.current().id, right.keyring.current().id);
  ExpectReadable();
}

TEST_F(RotateTest, KeysOfTheEnvironmentAreTheOperators) {
  const std::string hex(64, 'a');
  const std::string old_hex(64, 'b');
  std::map<std::string, std::string, std::less<>> variables = {{"SLUICE_KEY", hex}};
  const base::Environment environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  const test::TempDir dir;
  const DataFolder data(dir.path() / "d");
  data.Make();
  const auto load = [&] { return LoadKeyring(data.key_file(), environment, true); };
  Store::Open(data.root(), load().keyring, clock_)->AddTenant("x", std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(data.key_file()));
  variables["SLUICE_KEY"] = old_hex;
  EXPECT_THAT([&] { Store::Open(data.root(), load().keyring, clock_); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
  variables["SLUICE_KEY_PREVIOUS"] = hex;
  RotateKey(data, load(), clock_);
  variables.erase("SLUICE_KEY_PREVIOUS");
  Store::Open(data.root(), load().keyring, clock_);
  for (const std::string& bad :
       {std::string("short"), std::string(64, 'g'), std::string(66, 'a')}) {
    variables["SLUICE_KEY"] = bad;
    try {
      load();
      ADD_FAILURE() << bad;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidConfig);
      EXPECT_THAT(error.info().message, testing::Not(testing::HasSubstr(bad)));
    }
  }
}

TEST_F(RotateTest, TheKeyFileIsItsOwnersAlone) {
  struct stat status {};
  ASSERT_EQ(stat(data_.key_file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  chmod(data_.key_file().c_str(), 0640);
  EXPECT_THAT([&] { Load(); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  std::ofstream(data_.key_file(), std::ios::trunc) << "something else\n";
  chmod(data_.key_file().c_str(), 0600);
  EXPECT_THAT([&] { Load(); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  std::ofstream(data_.key_file(), std::ios::trunc);
  EXPECT_THAT([&] { Load(); }, test::ThrowsError(ErrorCode::kInvalidConfig));
  std::filesystem::remove(data_.key_file());
  // A new one would open nothing of what is there.
  EXPECT_THAT([&] { Load(false); }, test::ThrowsError(ErrorCode::kNotFound));
  EXPECT_TRUE(Load(true).made);
}

TEST_F(RotateTest, AFolderIsServedOnce) {
  const DataLock lock(data_);
  EXPECT_THAT([&] { const DataLock second(data_); }, test::ThrowsError(ErrorCode::kConflict));
  struct stat status {};
  ASSERT_EQ(stat(data_.root().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(DataFolder, MakesNoPathOfWhatIsNoId) {
  const DataFolder data("/data");
  EXPECT_EQ(data.run("run_aaaaaaaaaaaa"), "/data/runs/run_aaaaaaaaaaaa");
  for (const char* id : {"..", "", "run_../aaaaaaaa", "ten_aaaaaaaaaaaa"}) {
    EXPECT_THROW(data.run(id), std::logic_error) << id;
  }
}

}  // namespace
}  // namespace sluice::serve
