// A string that never prints itself. Copyable; the bytes are wiped when it dies.
// Reveal() is the only way out: search for it to audit where secrets go.
#pragma once
#include <ostream>
#include <string>
#include <string_view>

namespace sluice::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  // Hidden friends: what tests and logs print.
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "[secret]"; }
  friend bool operator==(const Secret& a, const Secret& b) { return a.value_ == b.value_; }

 private:
  std::string value_;
};

// `text` with every occurrence of `secret` (if not empty) replaced by "[secret]": for texts of
// foreign libraries and servers that may echo what we sent.
std::string Redact(std::string text, const Secret& secret);

}  // namespace sluice::base
