#include "sync/base/stream_result.h"

#include <algorithm>
#include <utility>

namespace sluice::sync {

void StreamResult::WarnOnce(std::string warning) {
  if (std::find(warnings.begin(), warnings.end(), warning) != warnings.end()) return;
  warnings.push_back(std::move(warning));
}

}  // namespace sluice::sync
