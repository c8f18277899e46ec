// Goal: a program's keys are used as AWS's own tools would use them, it cannot hang us, and nothing
// of what it prints or is told is ever shown.
#include "aws/keys/credential_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;
using test::ThrowsError;
using test::ThrowsErrorWith;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Optional;

TEST(SplitCommand, KeepsQuotedWordsTogether) {
  EXPECT_THAT(SplitCommand(R"(  /opt/a  --user "b c" 'd "e' f\ g "h\"i\\j\k" "" )"),
              Optional(ElementsAre("/opt/a", "--user", "b c", "d \"e", "f g", "h\"i\\j\\k", "")));
  EXPECT_THAT(SplitCommand("a $HOME ~ * `b`"),
              Optional(ElementsAre("a", "$HOME", "~", "*", "`b`")));
  for (const char* bad : {"", "  ", "\"a", "a 'b", "\"\" x"}) {
    EXPECT_EQ(SplitCommand(bad), std::nullopt) << bad;
  }
}

// Real programs, on the real clock: what is tested is the running.
class CredentialProcessTest : public testing::Test {
 protected:
  std::string Script(const std::string& body) {
    const auto path = dir_.path() / "give keys";
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    chmod(path.c_str(), 0700);
    return "\"" + path.string() + "\" --secret hush-argument";
  }
  SessionKeys Run(const std::string& command) {
    return RunCredentialProcess(
        {.command = command, .profile = "p", .timeout = std::chrono::seconds(timeout_)}, clock_,
        call_);
  }
  std::string ErrorText(const std::string& command) {
    try {
      Run(command);
    } catch (const base::Error& error) {
      return std::string(error.what()) + error.info().remedy + error.info().cause;
    }
    return "no error";
  }

  test::TempDir dir_;
  base::SystemClock clock_;
  base::Call call_;
  int timeout_ = 30;
};

TEST_F(CredentialProcessTest, ReadsWhatItPrints) {
  const SessionKeys keys = Run(Script(
      R"(echo noise >&2; echo '{"Version": 1, "AccessKeyId": "ASIA1", "SecretAccessKey": "s",)"
      R"( "SessionToken": "t", "Expiration": "2100-01-01T00:00:00Z"}')"));
  EXPECT_EQ(keys.access_key_id, "ASIA1");
  EXPECT_EQ(keys.secret_access_key.Reveal(), "s");
  EXPECT_EQ(keys.session_token.Reveal(), "t");
  EXPECT_TRUE(keys.expiration);
  const SessionKeys lasting =
      Run(Script(R"(echo '{"Version": 1, "AccessKeyId": "AKIA1", "SecretAccessKey": "s"}')"));
  EXPECT_EQ(lasting.expiration, std::nullopt);
  EXPECT_TRUE(lasting.session_token.empty());
}

TEST_F(CredentialProcessTest, GivesTheArgumentsAndNoInput) {
  const SessionKeys keys =
      Run(Script(R"(read line; echo "{\"Version\": 1, \"AccessKeyId\": \"$1-$#$line\",)"
                 R"( \"SecretAccessKey\": \"$2\"}")"));
  EXPECT_EQ(keys.access_key_id, "--secret-2");
  EXPECT_EQ(keys.secret_access_key.Reveal(), "hush-argument");
}

TEST_F(CredentialProcessTest, NamesWhatIsWrongWithWhatItPrints) {
  EXPECT_THAT([&] { Run(Script("echo nothing")); }, ThrowsError(ErrorCode::kUnavailable));
  EXPECT_THAT([&] { Run(Script(R"(echo '{"Version": 2}')")); },
              ThrowsError(ErrorCode::kUnsupported));
  EXPECT_THAT([&] { Run(Script(R"(echo '{"Version": 1, "AccessKeyId": "A"}')")); },
              ThrowsError(ErrorCode::kUnavailable));
  EXPECT_THAT(
      [&] {
        Run(Script(R"(echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s",)"
                   R"( "Expiration": "2020-01-01T00:00:00Z"}')"));
      },
      ThrowsError(ErrorCode::kAuthentication));
  EXPECT_THAT([&] { Run(Script("head -c 70000 /dev/zero")); },
              ThrowsError(ErrorCode::kUnavailable));
}

TEST_F(CredentialProcessTest, NamesHowItEnded) {
  EXPECT_THAT([&] { Run(Script("exit 3")); },
              ThrowsErrorWith(ErrorCode::kAuthentication, &base::ErrorInfo::message,
                              HasSubstr("ended with status 3")));
  EXPECT_THAT([&] { Run(Script("kill -9 $$")); },
              ThrowsErrorWith(ErrorCode::kAuthentication, &base::ErrorInfo::message,
                              HasSubstr("signal 9")));
  EXPECT_THAT([&] { Run("/no/such/program"); },
              ThrowsErrorWith(ErrorCode::kInvalidConfig, &base::ErrorInfo::message,
                              HasSubstr("/no/such/program cannot be started")));
  EXPECT_THAT([&] { Run("\"open"); }, ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(CredentialProcessTest, ShowsNothingOfWhatItPrintsOrIsTold) {
  for (const char* body : {"echo hush-out; echo hush-err >&2", "echo hush-out; exit 1",
                           R"(echo '{"Version": 1, "SecretAccessKey": "hush-key"}')"}) {
    const std::string text = ErrorText(Script(body));
    EXPECT_THAT(text, HasSubstr("give keys"));
    EXPECT_THAT(text, Not(HasSubstr("hush"))) << body;
  }
}

TEST_F(CredentialProcessTest, IsGivenUpWhenItsTimeIsOver) {
  timeout_ = 0;
  EXPECT_THAT([&] { Run(Script("sleep 100")); }, ThrowsError(ErrorCode::kTimeout));
}

TEST_F(CredentialProcessTest, IsStoppedWithAllItStarted) {
  const std::string started = (dir_.path() / "started").string();
  const std::string alive = (dir_.path() / "alive").string();
  const std::string command =
      Script("(touch " + started + "; sleep 1; touch " + alive + ") & sleep 100");
  std::stop_source stop;
  call_.stop = stop.get_token();
  const std::jthread stopper([&] {
    while (access(started.c_str(), F_OK) != 0) clock_.Sleep(std::chrono::milliseconds(5), {});
    stop.request_stop();
  });
  EXPECT_THAT([&] { Run(command); }, ThrowsError(ErrorCode::kCancelled));
  clock_.Sleep(std::chrono::milliseconds(1300), {});
  EXPECT_NE(access(alive.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace sluice::aws
