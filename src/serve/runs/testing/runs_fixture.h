// A service without its HTTP side, for the tests of this room: a store of its own, and children
// that are a shell script: what stands in the place of the configuration is what they do.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>

#include "serve/base/testing/jumping_clock.h"
#include "serve/runs/supervisor.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {

class RunsFixture : public testing::Test {
 protected:
  RunsFixture() : data_(dir_.path() / "data") {
    data_.Make();
    store_ = Store::Open(data_.root(), keyring_, clock_);
    options_.data = data_.root();
    options_.program = dir_.path() / "program";
    options_.environment = [](std::string_view name) {
      return name == "PATH" ? std::optional<std::string>("/usr/bin:/bin") : std::nullopt;
    };
    // $events: the file of --events; `say` writes one. $run: the folder of the run.
    std::ofstream(options_.program) << "#!/bin/sh\n"
                                       "config=$(cat \"$2\"); all=\"$*\"\n"
                                       "while [ $# -gt 0 ]; do\n"
                                       "  [ \"$1\" = --events ] && events=$2; shift\n"
                                       "done\n"
                                       "run=$(dirname \"$events\")\n"
                                       "say() { echo \"$1\" >> \"$events\"; }\n"
                                       "eval \"$config\"\n";
    std::filesystem::permissions(options_.program, std::filesystem::perms::owner_all);
    tenant_ = store_->AddTenant("Acme", std::nullopt).id;
  }

  std::unique_ptr<Supervisor> NewSupervisor() {
    auto compose = [this](const std::string& tenant, const std::string& pipeline) {
      const auto script = scripts_.find(pipeline);
      if (script == scripts_.end()) {
        throw base::Error({.code = base::ErrorCode::kInvalidConfig, .message = "no such script"});
      }
      return Composed{.text = base::Secret(script->second),
                      .folder = data_.pipeline(tenant, pipeline),
                      .memory_mb = memory_mb_};
    };
    Senders senders{.post =
                        [this](const notify::WebMessage& message, bool, std::stop_token) {
                          const std::lock_guard lock(sent_mu_);
                          sent_.push_back(message);
                          return answer_;
                        },
                    .mail =
                        [this](const notify::Mail& mail, bool, std::stop_token) {
                          const std::lock_guard lock(sent_mu_);
                          mails_.push_back(mail);
                          return answer_;
                        }};
    return std::make_unique<Supervisor>(options_, *store_, compose, senders, clock_, log_);
  }

  // A pipeline with a source and a destination of its own, whose runs do `script`.
  std::string AddPipeline(const std::string& script, const std::string& tenant,
                          const Json& schedule = nullptr) {
    const std::string name = "p" + std::to_string(++number_);
    const auto add = [&](Kind kind, Json fields) {
      Resource resource{.kind = kind, .tenant = tenant, .name = name};
      resource.fields = std::move(fields);
      return store_->Add(std::move(resource)).id;
    };
    const auto source = add(Kind::kSource, Json::object());
    const auto destination = add(Kind::kDestination, Json::object());
    Json fields = {{"source", source}, {"destination", destination}};
    if (!schedule.is_null()) fields["schedule"] = schedule;
    const std::string id = add(Kind::kPipeline, std::move(fields));
    scripts_[id] = script;
    return id;
  }
  std::string AddPipeline(const std::string& script) { return AddPipeline(script, tenant_); }

  std::string AddAlert(std::vector<std::string> on) {
    Resource alert{.kind = Kind::kAlert, .tenant = tenant_, .name = "alert"};
    alert.fields = {{"kind", "webhook"}, {"url", "https://example.com/hook"}};
    alert.fields["on"] = std::move(on);
    alert.secrets.emplace("secret", base::Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    return store_->Add(std::move(alert)).id;
  }

  std::string Start(Supervisor& runs, const std::string& pipeline) {
    return runs.Start({.tenant = tenant_, .pipeline = pipeline});
  }
  serve::Run Get(const std::string& run) { return store_->GetRun(tenant_, run); }
  // The newest run of a pipeline.
  serve::Run Newest(const std::string& pipeline) {
    return store_->Runs({.tenant = {}, .pipeline = pipeline, .state = {}}, {}).items.at(0);
  }

  // Turns until `done`, in real time, because children are real; a test fails rather than hangs.
  template <typename Done>
  void Turn(Supervisor& runs, Done done) {
    const base::Deadline limit = base::Deadline::After(real_, std::chrono::seconds(60));
    while (!done()) {
      ASSERT_FALSE(limit.Expired(real_)) << "it never came";
      runs.Wake();
      clock_.Advance(std::chrono::milliseconds(1100));  // what is done once a second is done
      runs.Turn();
      real_.Sleep(std::chrono::milliseconds(5), {});
    }
  }
  void TurnUntil(Supervisor& runs, const std::string& run, RunState state) {
    Turn(runs, [&] { return Get(run).state == state; });
  }
  void TurnUntilIdle(Supervisor& runs) {
    Turn(runs, [&] { return store_->Queue().empty() && store_->Running().empty(); });
  }

  // A folder in which scripts and tests meet.
  std::string Here(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string Text(const std::string& name) const { return TextOf(Here(name), 1 << 20); }

  static std::string Document(int exit_code) {
    return R"(echo '{"command":"sync","exit_code":)" + std::to_string(exit_code) +
           R"(,"error":null,"interrupted":false,"cost":{"billed_seconds":60,"rpu_seconds":480,"amount":0.25},)"
           R"("streams":[{"stream":"s","status":"done","rows":3,"bytes":10,"counts":{"inserted":3}}]}')";
  }

  const test::TempDir dir_;
  const DataFolder data_;
  const Keyring keyring_{{NewKey()}};
  JumpingClock clock_;
  base::SystemClock real_;
  test::NullLogger log_;
  RunsOptions options_;
  std::unique_ptr<Store> store_;
  std::string tenant_;
  std::map<std::string, std::string> scripts_;
  std::mutex sent_mu_;
  std::vector<notify::WebMessage> sent_;
  std::vector<notify::Mail> mails_;
  std::string answer_;  // of the other side: empty, it took it
  int number_ = 0;
  std::int64_t memory_mb_ = 1000;
};

}  // namespace sluice::serve
