#include "base/errno_error.h"

#include <cerrno>
#include <system_error>

namespace sluice::base {

FileFault FaultOf(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return FileFault::kFull;
    case EACCES:
    case EPERM:
    case EROFS: return FileFault::kBarred;
    case ENOENT:
    case ENOTDIR: return FileFault::kMissing;
    default: return FileFault::kOther;
  }
}

ErrorCode CodeOf(FileFault fault, ErrorCode other) {
  switch (fault) {
    case FileFault::kFull: return ErrorCode::kNoSpace;
    case FileFault::kBarred: return ErrorCode::kPermission;
    case FileFault::kMissing: return ErrorCode::kNotFound;
    case FileFault::kOther: break;
  }
  return other;
}

std::string ErrnoText(int number) { return std::generic_category().message(number); }

}  // namespace sluice::base
