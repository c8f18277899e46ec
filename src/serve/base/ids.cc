#include "serve/base/ids.h"

#include <algorithm>

#include "base/random.h"

namespace sluice::serve {
namespace {

constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kLength = 12;

}  // namespace

std::string NewId(std::string_view prefix) {
  std::string id(prefix);
  std::uint64_t bits = base::RandomBits();
  for (std::size_t i = 0; i < kLength; ++i) {
    id += kDigits[bits & 31U];
    bits >>= 5U;
  }
  return id;
}

bool IsId(std::string_view text, std::string_view prefix) {
  return text.size() == prefix.size() + kLength && text.starts_with(prefix) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(prefix.size()), text.end(),
                     [](char c) { return kDigits.find(c) != std::string_view::npos; });
}

}  // namespace sluice::serve
