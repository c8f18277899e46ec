#include "base/write_failure.h"

#include <errno.h>

#include "base/errno_error.h"

namespace sluice::base {

std::string WriteFailure(int number) {
  if (number == EPIPE || number == ECONNRESET) return "its reader closed it";
  if (number == EBADF) return "it is closed";
  if (number == ENOSPC || number == EDQUOT) return "the disk is full";
  if (number == EFBIG) return "a limit on file sizes (ulimit -f) was reached";
  return ErrnoText(number);
}

}  // namespace sluice::base
