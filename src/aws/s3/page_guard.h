// Sees to it that a list which comes in pages ends: whoever answers may repeat a token, or hand out
// new ones for ever. Not thread-safe.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

namespace sluice::aws {

class PageGuard {
 public:
  // Far beyond what a list of ours can hold, and some 150 MB of memory.
  static constexpr std::size_t kItemsMax = 500'000;
  static constexpr std::size_t kPagesMax = 5'000;
  // A page may be empty and say that there are more, but not so many in a row.
  static constexpr std::size_t kEmptyMax = 100;

  // For errors: "ListObjectsV2", "s3://acme/sluice/".
  PageGuard(std::string operation, std::string subject)
      : operation_(std::move(operation)), subject_(std::move(subject)) {}

  // After each page that is not the last one: how many items it had, and where the next begins.
  // Throws kCorrupt, reason "endless_list", if that was said before or there are too many.
  void Next(std::size_t items, std::string_view token);

 private:
  [[noreturn]] void Refuse(std::string message) const;

  const std::string operation_;
  const std::string subject_;
  std::size_t items_ = 0;
  std::size_t pages_ = 0;
  std::size_t empty_ = 0;                 // in a row
  std::unordered_set<std::size_t> seen_;  // hashes: of so few tokens no two meet by chance
};

}  // namespace sluice::aws
