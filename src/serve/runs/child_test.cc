// Goal: no child runs that nobody has written down, none inherits what is not its own, and a number
// that went to another process is never signalled.
#include "serve/runs/child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <map>

#include "base/clock.h"
#include "base/descriptor.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ChildTest : public testing::Test {
 protected:
  // A shell script in the place of the program: $1 is --config, $2 the descriptor's name.
  ChildSpec Spec(const std::string& script) {
    const auto file = dir_.path() / "program";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return {.program = file,
            .arguments = {"sync", "--json"},
            .config = base::Secret("{\"password\": \"shh\"}"),
            .folder = dir_.path(),
            .environment = {"PATH=/usr/bin:/bin", "ONLY=this"},
            .output = output_.get(),
            .log = log_.get()};
  }
  ProcessId Start(const ChildSpec& spec) {
    return StartChild(spec, [](const ProcessId&) {});
  }
  Ended Await(const ProcessId& process) {
    for (;;) {
      if (const auto ended = Reap(process.pid)) return *ended;
      clock_.Sleep(std::chrono::milliseconds(2), {});
    }
  }
  std::string Output() const {
    std::ifstream file(dir_.path() / "output");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int Open(const std::string& name) const {
    return open((dir_.path() / name).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }

  test::TempDir dir_;
  base::SystemClock clock_;
  base::Descriptor output_{Open("output")};
  base::Descriptor log_{Open("log")};
};

TEST_F(ChildTest, GetsItsConfigurationOnADescriptorAndNothingElse) {
  const base::Descriptor other(open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  auto spec = Spec("cat $2; echo; echo $0 $@; env; ls /proc/$$/fd | tr '\\n' ' '; pwd");
  const auto ended = Await(Start(spec));
  EXPECT_EQ(ended.exit_code, 0);
  // 10 is the shell's own, of its script.
  EXPECT_THAT(Output(), AllOf(HasSubstr("{\"password\": \"shh\"}\n"),
                              HasSubstr("--config /dev/fd/3 sync --json"), HasSubstr("ONLY=this"),
                              HasSubstr("0 1 10 2 3 " + dir_.path().string())));
  EXPECT_THAT(Output(), Not(HasSubstr("HOME=")));
}

TEST_F(ChildTest, ItsConfigurationCanBeChangedByNobodyAndReadByItsOwnerAlone) {
  Await(Start(Spec("(echo x > /proc/self/fd/3) 2>/dev/null || echo refused; stat -Lc %a $2")));
  EXPECT_EQ(Output(), "refused\n400\n");
}

TEST_F(ChildTest, IsNicerLeadsASessionWritesNoCoreFileAndIsEndedFirstWhenMemoryIsShort) {
  Await(
      Start(Spec("nice; ulimit -c; cut -d' ' -f5,6 /proc/$$/stat; echo $$; "
                 "cat /proc/$$/oom_score_adj")));
  std::istringstream lines(Output());
  int nicer = 0;
  int core = -1;
  int group = 0;
  int session = 0;
  int pid = -1;
  int oom = 0;
  lines >> nicer >> core >> group >> session >> pid >> oom;
  EXPECT_GE(nicer, kNicer);
  EXPECT_EQ(core, 0);
  EXPECT_EQ(group, pid);
  EXPECT_EQ(session, pid);
  EXPECT_EQ(oom, 500);
}

TEST_F(ChildTest, CarriesTheLimitOfItsMemoryAndIsSeenToExceedIt) {
  auto spec = Spec("x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 60");
  const ProcessId unbounded = Start(spec);
  spec.memory_mb = 1000;
  const ProcessId modest = Start(spec);
  spec.memory_mb = 5;
  const ProcessId greedy = Start(spec);
  std::optional<Overuse> overuse;
  while (!overuse && !Reap(greedy.pid)) {
    overuse = OveruseOf(greedy);
    clock_.Sleep(std::chrono::milliseconds(2), {});
  }
  ASSERT_TRUE(overuse);
  EXPECT_EQ(overuse->allowed_mb, 5 * kMemoryTimes + kMemoryBeyondMb);
  EXPECT_GT(overuse->taken_mb, 159U);
  for (const ProcessId& one : {unbounded, modest, greedy}) {
    EXPECT_EQ(OveruseOf(one).has_value(), one == greedy);
    Signal(one, SIGKILL);
    Await(one);
    EXPECT_FALSE(OveruseOf(one));
  }
}

TEST_F(ChildTest, NoChildRunsThatCouldNotBeWrittenDown) {
  const auto spec = Spec("echo ran");
  ProcessId process;
  EXPECT_THAT(
      [&] {
        StartChild(spec, [&](const ProcessId& one) {
          process = one;
          throw base::Error({.code = base::ErrorCode::kNoSpace, .message = "full"});
        });
      },
      test::ThrowsError(base::ErrorCode::kNoSpace));
  EXPECT_FALSE(IsAlive(process));
  EXPECT_EQ(Output(), "");
}

// As in the moment in which a supervisor dies: the child waits for a word that never comes.
TEST_F(ChildTest, NoChildRunsWhoseParentDiedBeforeItWasWrittenDown) {
  const auto spec = Spec("echo ran");
  const pid_t parent = fork();
  if (parent == 0) {
    StartChild(spec, [&](const ProcessId& process) {
      std::ofstream(dir_.path() / "process") << process.ToText() << std::flush;
      raise(SIGKILL);
    });
    _exit(0);
  }
  waitpid(parent, nullptr, 0);
  std::ifstream file(dir_.path() / "process");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto process = ProcessId::FromText(text);
  ASSERT_TRUE(process) << text;
  while (IsAlive(*process)) clock_.Sleep(std::chrono::milliseconds(2), {});
  EXPECT_EQ(Output(), "");
}

TEST_F(ChildTest, AProgramThatCannotBeStartedIsTold) {
  auto spec = Spec("");
  spec.program = dir_.path() / "absent";
  EXPECT_THAT([&] { Start(spec); }, test::ThrowsError(base::ErrorCode::kInternal));
  spec.program = dir_.path() / "program";
  spec.folder = dir_.path() / "absent";
  EXPECT_THAT([&] { Start(spec); }, test::ThrowsError(base::ErrorCode::kInternal));
}

TEST_F(ChildTest, IsFoundAgainByWhoeverKnowsItsNumberAndItsStart) {
  const ProcessId process = Start(Spec("exec sleep 60"));
  const auto found = ProcessId::FromText(process.ToText());
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, process);
  EXPECT_TRUE(IsAlive(*found));
  // The number may be another process by now.
  for (ProcessId other : {ProcessId{process.pid, process.start_ticks + 1, process.boot},
                          ProcessId{process.pid, process.start_ticks, "another start"}}) {
    EXPECT_FALSE(IsAlive(other));
    EXPECT_FALSE(Signal(other, SIGKILL));
  }
  EXPECT_TRUE(IsAlive(process));
  EXPECT_TRUE(Signal(process, SIGTERM));
  EXPECT_EQ(Await(process).signal, SIGTERM);
  EXPECT_FALSE(IsAlive(process));
  EXPECT_FALSE(Signal(process, SIGTERM));
}

TEST_F(ChildTest, OneThatEndedAndWaitsToBeReapedIsNotAlive) {
  const ProcessId process = Start(Spec("true"));
  while (IsAlive(process)) clock_.Sleep(std::chrono::milliseconds(2), {});
  EXPECT_EQ(Await(process).exit_code, 0);
}

TEST(ProcessId, TextThatIsNone) {
  for (const std::string text : {"", "12", "12 34", "x 34 boot", "12 x boot", "-3 34 boot"}) {
    EXPECT_FALSE(ProcessId::FromText(text)) << text;
  }
}

TEST(StartTicks, CountsFromTheLastParenthesis) {
  const std::string rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
  EXPECT_EQ(StartTicks("7 (sluice)" + rest), 4711U);
  EXPECT_EQ(StartTicks("7 (a) S 1 (b)" + rest), 4711U);
  EXPECT_EQ(StartTicks("7 (sluice) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711"),
            std::nullopt);
  EXPECT_EQ(StartTicks("7 (sluice"), std::nullopt);
  EXPECT_EQ(StartTicks("7 (sluice) S 1"), std::nullopt);
}

TEST(ChildEnvironment, HoldsNoSecretOfTheServers) {
  const std::map<std::string, std::string, std::less<>> server = {{"PATH", "/bin"},
                                                                  {"SLUICE_KEY", "shh"},
                                                                  {"AWS_SECRET_ACCESS_KEY", "shh"},
                                                                  {"PGPASSWORD", "shh"},
                                                                  {"HOME", "/root"}};
  const auto look = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = server.find(name);
    return found == server.end() ? std::nullopt : std::optional(found->second);
  };
  const auto variables = ChildEnvironment(look, "/data", false, {"127.0.0.1", "db.internal"});
  EXPECT_THAT(variables, Contains("PATH=/bin"));
  EXPECT_THAT(variables, Contains("HOME=/data"));
  EXPECT_THAT(variables, Contains("SLUICE_OUTSIDE_ONLY=1,127.0.0.1,db.internal"));
  EXPECT_THAT(variables, Contains("AWS_EC2_METADATA_DISABLED=true"));
  EXPECT_THAT(variables, Not(Contains(HasSubstr("shh"))));
}

}  // namespace
}  // namespace sluice::serve
