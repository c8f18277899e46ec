#include "base/secret.h"

#include <cstring>
#include <utility>

namespace sluice::base {
namespace {
// explicit_bzero, so that the compiler may not drop the wipe as a dead store.
void Wipe(std::string& value) {
  if (!value.empty()) explicit_bzero(value.data(), value.size());
  value.clear();
}
}  // namespace

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe(value_);
    value_ = other.value_;
  }
  return *this;
}

// Short strings live inside the object, so a moved-from value must be wiped as well.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { Wipe(other.value_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe(value_);
    value_ = std::move(other.value_);
    Wipe(other.value_);
  }
  return *this;
}

Secret::~Secret() { Wipe(value_); }

std::string Redact(std::string text, const Secret& secret) {
  if (secret.empty()) return text;
  const std::string& needle = secret.Reveal();
  const std::string_view mask = "[secret]";
  // Past the mask, which a short secret may itself be a part of.
  for (auto at = text.find(needle); at != std::string::npos;
       at = text.find(needle, at + mask.size())) {
    text.replace(at, needle.size(), mask);
  }
  return text;
}

}  // namespace sluice::base
