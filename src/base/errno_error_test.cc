// Goal: a full disk, missing rights and a missing folder are told apart wherever a file is touched.
#include "base/errno_error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <tuple>
#include <vector>

namespace sluice::base {
namespace {

TEST(FaultOf, TellsWhoCanHelp) {
  const std::vector<std::tuple<int, FileFault, ErrorCode>> rows = {
      {ENOSPC, FileFault::kFull, ErrorCode::kNoSpace},
      {EDQUOT, FileFault::kFull, ErrorCode::kNoSpace},
      {EFBIG, FileFault::kFull, ErrorCode::kNoSpace},
      {EACCES, FileFault::kBarred, ErrorCode::kPermission},
      {EPERM, FileFault::kBarred, ErrorCode::kPermission},
      {EROFS, FileFault::kBarred, ErrorCode::kPermission},
      {ENOENT, FileFault::kMissing, ErrorCode::kNotFound},
      {ENOTDIR, FileFault::kMissing, ErrorCode::kNotFound},
      {EIO, FileFault::kOther, ErrorCode::kDestination},
      {0, FileFault::kOther, ErrorCode::kDestination}};
  for (const auto& [number, fault, code] : rows) {
    EXPECT_EQ(FaultOf(number), fault) << number;
    EXPECT_EQ(CodeOf(FaultOf(number), ErrorCode::kDestination), code) << number;
  }
}

}  // namespace
}  // namespace sluice::base
