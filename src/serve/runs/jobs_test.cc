// Goal: a short job answers with the command's own document, tells its events as they come, and
// ends when nobody waits for it any more; none can pass for a switch of the command line.
#include "serve/runs/jobs.h"

#include "serve/runs/child.h"
#include "serve/runs/testing/runs_fixture.h"
#include "tests/support/matchers.h"

namespace sluice::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JobsTest : public RunsFixture {
 protected:
  JobRequest Request(const std::string& script, JobKind kind = JobKind::kTest) {
    return {.kind = kind,
            .tenant = tenant_,
            .config = {.text = base::Secret(script), .folder = data_.tests(tenant_)}};
  }
  JobResult Do(const JobRequest& request) {
    return Jobs(options_, real_).Run(request, [&](auto line) { lines_.emplace_back(line); }, {});
  }
  std::vector<std::string> lines_;
};

TEST_F(JobsTest, AnswersWithTheDocumentAndTellsEventsInTheirOrder) {
  const JobResult result =
      Do(Request("echo '{\"n\":1}' >&4; echo '{\"n\":2}' >&4; echo '{\"exit_code\":1}'; exit 1"));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.document, "{\"exit_code\":1}\n");
  EXPECT_THAT(lines_, ElementsAre("{\"n\":1}", "{\"n\":2}"));
}

TEST_F(JobsTest, AnEventIsToldWhileTheJobGoesOn) {
  const std::string script =
      "echo '{\"n\":1}' >&4; while [ ! -e " + Here("go") + " ]; do sleep 0.01; done; echo '{}'";
  Jobs jobs(options_, real_);
  jobs.Run(Request(script), [&](auto) { std::ofstream(Here("go")) << ""; }, {});
}

TEST_F(JobsTest, NamesNoDescriptorInAnError) {
  const auto result =
      Do(Request(R"(echo '{"exit_code":2,"error":{"subject":"/dev/fd/3"},"file":"/dev/fd/3"}')"));
  EXPECT_EQ(Json::parse(result.document)["error"]["subject"], "configuration");
  EXPECT_EQ(Json::parse(result.document)["file"], "configuration");
}

TEST_F(JobsTest, AChildThatDiesWithoutADocumentIsAnErrorOfOurs) {
  for (const std::string script : {"kill -SEGV $$", "exit 1", "echo no json"}) {
    EXPECT_THAT([&] { Do(Request(script)); }, test::ThrowsError(base::ErrorCode::kInternal))
        << script;
  }
}

TEST_F(JobsTest, EndsWhenNobodyWaitsAnyMore) {
  const std::string script = "trap 'touch " + Here("asked") +
                             "; exit 130' INT; echo '{}' >&4; while :; do sleep 0.01; done";
  Jobs jobs(options_, real_);
  std::stop_source stop;
  EXPECT_THAT(
      [&] {
        jobs.Run(
            Request(script), [&](auto) { stop.request_stop(); }, stop.get_token());
      },
      test::ThrowsError(base::ErrorCode::kCancelled));
  EXPECT_TRUE(std::filesystem::remove(Here("asked")));
  struct Gone {};
  EXPECT_THROW(jobs.Run(Request(script), [](auto) { throw Gone(); }, {}), Gone);
  EXPECT_TRUE(std::filesystem::remove(Here("asked")));
}

TEST_F(JobsTest, OneThatTakesTooLongIsStopped) {
  options_.job_patience = std::chrono::seconds(0);
  EXPECT_THAT([&] { Do(Request("while :; do sleep 0.01; done")); },
              test::ThrowsError(base::ErrorCode::kTimeout));
}

TEST_F(JobsTest, NoMoreAtATimeThanATenantMayHave) {
  options_.parallel_jobs_per_tenant = 1;
  Jobs jobs(options_, real_);
  const std::string script =
      "echo '{}' >&4; while [ ! -e " + Here("go") + " ]; do sleep 0.01; done; echo '{}'";
  jobs.Run(Request(script),
           [&](auto) {
             EXPECT_THAT([&] { jobs.Run(Request("echo '{}'"), {}, {}); },
                         test::ThrowsError(base::ErrorCode::kThrottled));
             auto other = Request("echo '{}'");
             other.tenant = store_->AddTenant("Other", {}).id;
             other.config.folder = data_.tests(other.tenant);
             jobs.Run(other, {}, {});
             std::ofstream(Here("go")) << "";
           },
           {});
  jobs.Run(Request("echo '{}'"), {}, {});  // its place is free again
}

TEST(JobArguments, NothingThatACallerSaysIsASwitch) {
  JobRequest request{.kind = JobKind::kPreview};
  request.stream = "--json";
  request.limit = 5;
  EXPECT_THAT(ArgumentsOf(request), ElementsAre("preview", "--json", "--limit=5", "--", "--json"));
  request.kind = JobKind::kDiscover;
  request.schemas = {"--write"};
  EXPECT_THAT(ArgumentsOf(request),
              ElementsAre("discover", "--json", "--events", "4", "--", "--write"));
  request.kind = JobKind::kSetup;
  request.db_roles = {"--offline"};
  EXPECT_THAT(ArgumentsOf(request), ElementsAre("setup", "--json", "--db-role=--offline"));
  request.kind = JobKind::kPlan;
  request.streams = {"--full"};
  EXPECT_THAT(ArgumentsOf(request),
              ElementsAre("sync", "--json", "--events", "4", "--dry-run", "--", "--full"));
}

TEST(JobArguments, ATestIsOfOneSide) {
  EXPECT_THAT(ArgumentsOf({.kind = JobKind::kTest}),
              ElementsAre("check", "--json", "--events", "4", "--only", "source"));
  EXPECT_THAT(ArgumentsOf({.kind = JobKind::kTestDestination}),
              ElementsAre("check", "--json", "--events", "4", "--only", "destination"));
  EXPECT_THAT(ArgumentsOf({.kind = JobKind::kTestPipeline}),
              ElementsAre("check", "--json", "--events", "4"));
}

}  // namespace
}  // namespace sluice::serve
