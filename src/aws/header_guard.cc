#include "aws/header_guard.h"

#include "base/error.h"

namespace sluice::aws {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// Empty if all of it may stand in a key.
std::string_view Wrong(std::string_view value) {
  for (const char c : value) {
    if (c == '\r' || c == '\n') return "a line break";
    if (c == ' ' || c == '\t') return "a blank";
    if (IsControl(c)) return "a control character";
    if ((static_cast<unsigned char>(c) & 0x80U) != 0) return "a sign that is not ASCII";
  }
  return {};
}

}  // namespace

void CheckKeyText(std::string_view value, std::string_view name, const std::string& entrance) {
  const std::string_view wrong = Wrong(value);
  if (wrong.empty()) return;
  throw base::Error(
      {.code = base::ErrorCode::kInvalidConfig,
       .operation = "get AWS keys",
       .subject = entrance,
       .message = std::string(name) + " holds " + std::string(wrong) + ", which no AWS key does",
       .remedy = "Copy it again: one line, without quotes, blanks or a line break "
                 "around it.",
       .reason = "key_form"});
}

void CheckKeys(const SessionKeys& keys, const std::string& entrance) {
  CheckKeyText(keys.access_key_id, "the access key id", entrance);
  CheckKeyText(keys.secret_access_key.Reveal(), "the secret access key", entrance);
  CheckKeyText(keys.session_token.Reveal(), "the session token", entrance);
}

}  // namespace sluice::aws
