// Goal: who is to be told gets the whole result and no secret; what goes wrong with it is told, and
// is nobody else's failure.
#include "notify/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "http/fake_transport.h"
#include "tests/support/temp_dir.h"

namespace sluice::notify {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class NotifyTest : public testing::Test {
 protected:
  std::vector<std::string> Tell(Options options) {
    return notify::Tell(
        options, json_, [this](std::string_view name) { return Variable(name); }, clock_,
        [this]() -> std::unique_ptr<http::Transport> { return std::move(transport_); });
  }
  std::optional<std::string> Variable(std::string_view name) const {
    const auto at = variables_.find(std::string(name));
    return at == variables_.end() ? std::nullopt : std::optional(at->second);
  }
  std::string Content(const std::string& name) const {
    std::ifstream file(dir_.path() / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string Path(const std::string& name) const { return (dir_.path() / name).string(); }

  test::TempDir dir_;
  base::SystemClock clock_;
  // More than a pipe holds.
  std::string json_ = "{\"text\": \"" + std::string(200'000, 'x') + "\"}\n";
  std::map<std::string, std::string> variables_ = {{"PATH", "/usr/bin:/bin"},
                                                   {"AWS_SECRET_ACCESS_KEY", "shh"},
                                                   {"PGPASSWORD", "shh"},
                                                   {"SLUICE_EXTERNAL_ID", "shh"}};
  std::unique_ptr<test::FakeTransport> transport_ = std::make_unique<test::FakeTransport>();
};

TEST_F(NotifyTest, TheCommandGetsTheWholeResultAndNoSecret) {
  EXPECT_THAT(Tell({.command = "cat > " + Path("told") + "; env > " + Path("env")}), IsEmpty());
  EXPECT_EQ(Content("told"), json_);
  EXPECT_THAT(Content("env"), AllOf(HasSubstr("PATH=/usr/bin:/bin"), Not(HasSubstr("shh"))));
}

TEST_F(NotifyTest, ACommandNeedNotReadWhatItIsTold) {
  EXPECT_THAT(Tell({.command = "true"}), IsEmpty());
}

TEST_F(NotifyTest, TellsHowACommandFailed) {
  EXPECT_THAT(Tell({.command = "exit 3"}), ElementsAre("the command ended with status 3"));
  EXPECT_THAT(Tell({.command = "kill -9 $$"}), ElementsAre("the command was ended by signal 9"));
  EXPECT_THAT(Tell({.command = "/nowhere/notify 2>/dev/null"}),
              ElementsAre("the command ended with status 127"));
}

TEST_F(NotifyTest, KillsWhatDoesNotEndWithAllThatItStarted) {
  EXPECT_THAT(Tell({.command = "sleep 600 & echo $! > " + Path("pid") + "; wait",
                    .patience = std::chrono::seconds(1)}),
              ElementsAre("the command was killed, because it did not end within 1 s"));
  const pid_t started = std::stoi(Content("pid"));
  for (int i = 0; i < 500 && kill(started, 0) == 0; ++i) {
    clock_.Sleep(std::chrono::milliseconds(10), {});
  }
  EXPECT_NE(kill(started, 0), 0);
}

TEST_F(NotifyTest, TheWebhookGetsTheResultAsAPost) {
  auto* const transport = transport_.get();
  std::vector<http::Request> seen;
  transport->Add([&](const http::Request& request) {
    seen.push_back(request);
    return http::Result{{.status = 204}, nullptr};
  });
  EXPECT_THAT(Tell({.webhook = base::Secret("https://hooks.example.com/T0/s3cret")}), IsEmpty());
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].url, "https://hooks.example.com/T0/s3cret");
  EXPECT_EQ(seen[0].body, json_);
  ASSERT_EQ(seen[0].headers.size(), 1U);
  EXPECT_EQ(seen[0].headers[0].value, "application/json");
}

TEST_F(NotifyTest, TellsTheHostOfAWebhookThatFailsAndNothingElseOfIt) {
  transport_->Add(500, "s3cret is not known");
  EXPECT_THAT(Tell({.webhook = base::Secret("https://u:p4ss@hooks.example.com/T0/s3cret")}),
              ElementsAre("the webhook at hooks.example.com answered with status 500"));
  transport_ = std::make_unique<test::FakeTransport>();
  transport_->AddError(base::ErrorCode::kUnreachable, true);
  EXPECT_THAT(
      Tell({.webhook = base::Secret("https://hooks.example.com?token=s3cret")}),
      ElementsAre(AllOf(HasSubstr("hooks.example.com was not reached"), Not(HasSubstr("s3cret")))));
}

TEST_F(NotifyTest, TellsBothAndWhatEachDid) {
  transport_->Add(404, "");
  EXPECT_THAT(Tell({.command = "exit 1", .webhook = base::Secret("https://h.example.com/x")}),
              ElementsAre("the command ended with status 1",
                          "the webhook at h.example.com answered with status 404"));
}

}  // namespace
}  // namespace sluice::notify
