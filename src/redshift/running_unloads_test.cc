// Goal: a zombie is found by where it writes, and only our own is cancelled.
#include "redshift/running_unloads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/matchers.h"

namespace sluice::redshift {
namespace {
using base::ErrorCode;
using testing::Contains;
using testing::FakeWorkgroup;
using testing::StartsWith;

constexpr char kHome[] = "s3://b/sluice/acme/";

TEST(ListRunningUnloads, FindsThemByTheirLocation) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(Contains("sys_unload_history"))
      .Rows({"session_id", "unloaded_location"},
            {{"1073", "s3://b/sluice/acme/r1/t/a/rows/   "}, {std::nullopt, "s3://b/x"}});
  const auto running = ListRunningUnloads(*workgroup->Login(), kHome, {});
  ASSERT_TRUE(running);
  ASSERT_EQ(running->size(), 1U);
  EXPECT_EQ(running->at(0).session_id, 1073);
  EXPECT_EQ(running->at(0).location, "s3://b/sluice/acme/r1/t/a/rows/");
  EXPECT_EQ(workgroup->statements(),
            std::vector<std::string>{
                "SELECT session_id, unloaded_location FROM sys_unload_history WHERE status = "
                "'running' AND LEFT(unloaded_location, 19) = 's3://b/sluice/acme/'"});
}

TEST(ListRunningUnloads, AServerThatWillNotTellIsNoError) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(Contains("sys_unload_history")).Fails({.code = ErrorCode::kPermission});
  EXPECT_EQ(ListRunningUnloads(*workgroup->Login(), kHome, {}), std::nullopt);
}

TEST(ListRunningUnloads, ABrokenConnectionIs) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(Contains("sys_unload_history")).Fails({.code = ErrorCode::kUnreachable});
  EXPECT_THAT([&] { ListRunningUnloads(*workgroup->Login(), kHome, {}); },
              test::ThrowsError(ErrorCode::kUnreachable));
}

TEST(CancelUnload, NamesTheSession) {
  const auto workgroup = std::make_shared<FakeWorkgroup>();
  workgroup->When(StartsWith("CANCEL")).Once();
  workgroup->When(StartsWith("CANCEL")).Fails({.code = ErrorCode::kSource});
  EXPECT_TRUE(CancelUnload(*workgroup->Login(), {.session_id = 1073}, {}));
  EXPECT_EQ(workgroup->statements().at(0), "CANCEL 1073");
  EXPECT_FALSE(CancelUnload(*workgroup->Login(), {.session_id = 1073}, {}));
}

}  // namespace
}  // namespace sluice::redshift
