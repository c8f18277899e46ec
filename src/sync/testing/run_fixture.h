// A whole run in memory, for the tests of this room.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "redshift/testing/fake_session.h"
#include "sync/run.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_destination.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unload_objects.h"

namespace sluice::sync {
class CollectingLogger final : public base::Logger {
 public:
  void Write(base::LogLevel level, std::string_view event,
             std::initializer_list<base::LogField>) override {
    if (level == base::LogLevel::kWarning) warnings.emplace_back(event);
  }
  std::vector<std::string> warnings;
};

inline base::Error Failure(base::ErrorCode code, bool in_doubt = false) {
  return base::Error({.code = code, .operation = "scripted", .in_doubt = in_doubt});
}

class Onlooker final : public Observer {
 public:
  void OnProgress(const Progress& progress) override {
    const std::lock_guard lock(mu_);
    last_[progress.stream] = progress;
  }
  void OnRunBegan(const std::string& run, const std::vector<std::string>& streams) override {
    const std::lock_guard lock(mu_);
    runs_.push_back(run);
    order_ = streams;
  }
  void OnStreamEnded(const StreamResult& result) override {
    const std::lock_guard lock(mu_);
    ended_.push_back(result);
  }
  const std::vector<std::string>& runs() const { return runs_; }
  const std::vector<std::string>& order() const { return order_; }
  const std::vector<StreamResult>& ended() const { return ended_; }
  Progress Last(const std::string& stream) {
    const std::lock_guard lock(mu_);
    return last_[stream];
  }

 private:
  std::mutex mu_;
  std::map<std::string, Progress> last_;
  std::vector<std::string> runs_;
  std::vector<std::string> order_;
  std::vector<StreamResult> ended_;
};

// One connection: a scripted workgroup, a bucket, a destination and a clock, all in memory.
class RunFixture : public ::testing::Test {
 protected:
  RunFixture() {
    options_.connection = "acme";
    options_.database = "dev";
    options_.bucket = "b";
    options_.bucket_region = "us-east-1";
    options_.root = "sluice/";
    options_.work_dir = dir_.path() / "work";
    options_.ledger = dir_.path() / "acme.ledger";
    options_.range_bytes = 8;
    store_.Add("sluice/neighbour/object", "not ours");
    for (const char* name : {"orders", "items", "notes"}) {
      streams_.push_back({.name = name, .sql = std::string("SELECT n FROM ") + name});
    }
    workgroup_->When(redshift::testing::Contains("LIMIT 0"))
        .Describes({{.name = "n", .type_oid = 23}});
  }

  // UNLOAD as the server does it: parts, then the manifest, then the notice. Lasting rule.
  redshift::testing::Rule& ServerUnloads(std::uint64_t parts = 2, std::uint64_t rows_each = 5) {
    return workgroup_->When(redshift::testing::StartsWith("UNLOAD"))
        .Runs([=, this](std::string_view sql) { WriteParts(PrefixOf(sql), parts, rows_each); })
        .Unloads(parts * rows_each);
  }
  static std::string PrefixOf(std::string_view sql) { return test::PrefixOf(sql); }
  void WriteParts(const std::string& prefix, std::uint64_t parts, std::uint64_t rows_each) {
    test::AddUnloaded(store_, prefix, parts, rows_each);
  }

  // No zombie at the server. Lasting rule.
  void NothingRunsAtTheServer() {
    workgroup_->When(redshift::testing::Contains("sys_unload_history"))
        .Rows({"session_id", "unloaded_location"}, {});
  }
  std::size_t CountOf(std::string_view start) const {
    const auto all = workgroup_->statements();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const auto& sql) { return sql.starts_with(start); }));
  }

  RunParts Parts() {
    return {.clock = clock_,
            .log = log_,
            .store = store_,
            .destination = destination_,
            .login = [this](const base::Call&) { return workgroup_->Login(); },
            .unload_auth =
                [](const std::string&, std::chrono::seconds, const base::Call&) {
                  return aws::SessionKeys{"AKIDEXAMPLE", base::Secret("c2VjcmV0"),
                                          base::Secret("dG9rZW4=")};
                },
            .observer = onlooker_,
            .after_effect = after_effect_};
  }
  RunResult Run() { return sync::Run(streams_, options_, Parts(), stop_.get_token()); }

  // Runs, and goes back to the moment of `effect`: what a process killed there leaves behind.
  RunResult RunKilledAt(Effect effect) {
    std::shared_ptr<const test::FakeObjectStore::Image> bucket;
    std::map<std::string, test::FakeDestination::Table> tables;
    const auto saved = dir_.path() / "saved";
    std::filesystem::create_directories(saved);
    after_effect_ = [&](Effect now, std::string_view) {
      if (now != effect || bucket) return;
      bucket = store_.Save();
      tables = destination_.tables();
      CopyLedger(options_.ledger, saved / "ledger");
    };
    auto result = Run();
    after_effect_ = nullptr;
    if (!bucket) {
      ADD_FAILURE() << ToString(effect) << " was not reached";
      return result;
    }
    store_.Restore(*bucket);
    destination_.Restore(std::move(tables));
    CopyLedger(saved / "ledger", options_.ledger);
    return result;
  }
  static void CopyLedger(const std::filesystem::path& from, const std::filesystem::path& to) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
      const std::filesystem::path source = from.string() + suffix;
      const std::filesystem::path target = to.string() + suffix;
      std::filesystem::remove(target);
      if (std::filesystem::exists(source)) std::filesystem::copy_file(source, target);
    }
  }

  // The bucket holds the neighbour's object alone, and no part lies on local disk.
  void ExpectClean() {
    EXPECT_THAT(store_.Keys(), ::testing::ElementsAre("sluice/neighbour/object"));
    EXPECT_EQ(store_.uploads(), 0u);
    EXPECT_TRUE(!std::filesystem::exists(options_.work_dir) ||
                std::filesystem::is_empty(options_.work_dir));
  }

  test::TempDir dir_;
  test::HurriedClock clock_;
  CollectingLogger log_;
  test::FakeObjectStore store_;
  test::FakeDestination destination_;
  std::shared_ptr<redshift::testing::FakeWorkgroup> workgroup_ =
      std::make_shared<redshift::testing::FakeWorkgroup>();
  Onlooker onlooker_;
  std::function<void(Effect, std::string_view)> after_effect_;
  RunOptions options_;
  std::vector<model::Stream> streams_;
  std::stop_source stop_;
};

// One stream, whose sync dies or fails in some way and goes on.
class RecoveryTest : public RunFixture {
 protected:
  RecoveryTest() { streams_.resize(1); }
  void MakeIncremental() {
    streams_ = {{.name = "orders",
                 .sql = "SELECT n FROM orders",
                 .sync_mode = model::SyncMode::kIncremental,
                 .write_mode = model::WriteMode::kMerge,
                 .primary_key = {"n"},
                 .cursor = "n"}};
    workgroup_->When(redshift::testing::Contains("max(\"n\")"))
        .Rows({"max", "below"}, {{"70", "f"}});
  }
  StreamResult RunOne() { return Run().streams.at(0); }
  std::uint64_t RowsThere() { return destination_.tables().at("orders").rows; }
  // Of the only attempt that left something.
  std::string DeadPrefix() {
    for (const auto& key : store_.Keys()) {
      const auto rows = key.find("/rows");
      if (rows != std::string::npos) return key.substr(0, rows + 1);
    }
    return {};
  }
  void LoseManifests() {
    for (const auto& key : store_.Keys()) {
      if (key.ends_with("manifest")) store_.Remove(key);
    }
  }
};

// A connection that broke while a statement ran.
inline base::ErrorInfo Lost() {
  return {.code = base::ErrorCode::kUnreachable,
          .operation = "UNLOAD",
          .retryable = true,
          .in_doubt = true};
}

}  // namespace sluice::sync
