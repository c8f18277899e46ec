#include "aws/s3/page_guard.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "base/error.h"

namespace sluice::aws {

void PageGuard::Next(std::size_t items, std::string_view token) {
  items_ += items;
  ++pages_;
  empty_ = items == 0 ? empty_ + 1 : 0;
  if (!seen_.insert(std::hash<std::string_view>()(token)).second) {
    Refuse(fmt::format("the list does not end: page {} leads back to an earlier one", pages_));
  }
  if (items_ > kItemsMax || pages_ >= kPagesMax || empty_ >= kEmptyMax) {
    Refuse(fmt::format("the list does not end: {} entries in {} pages, and more are told of",
                       items_, pages_));
  }
}

void PageGuard::Refuse(std::string message) const {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = operation_,
       .subject = subject_,
       .message = std::move(message),
       .remedy =
           "Check AWS_ENDPOINT_URL and any proxy on the way: S3 itself does not answer so. If "
           "there really are so many objects, give Sluice a prefix of its own.",
       .reason = "endless_list"});
}

}  // namespace sluice::aws
