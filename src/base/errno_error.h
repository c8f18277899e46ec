// What the errno of a call on a file means for whoever can do something about it. Pure.
#pragma once
#include <string>

#include "base/error.h"

namespace sluice::base {

enum class FileFault {
  kFull,     // the disk, a quota or the size of one file
  kBarred,   // rights, or a file system that is read-only
  kMissing,  // a folder on the way, or the file
  kOther,
};
FileFault FaultOf(int number);

// kNoSpace, kPermission or kNotFound; `other` for the rest.
ErrorCode CodeOf(FileFault fault, ErrorCode other);

// The system's words: "No space left on device".
std::string ErrnoText(int number);

}  // namespace sluice::base
