#include "staging/prefix.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace sluice::staging {
namespace {

bool IsPlain(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

[[noreturn]] void BadRoot(std::string_view root, std::string message) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "staging prefix",
                     .subject = "staging.root \"" + std::string(root) + "\"",
                     .message = std::move(message),
                     .remedy = "Use letters, digits, '-', '_', '.' and '=' between slashes, for "
                               "example root: sluice/"});
}

void CheckRoot(std::string_view root) {
  if (root.empty() || root == "/") BadRoot(root, "is empty: Sluice never works at a bucket's top");
  if (root.front() == '/') BadRoot(root, "begins with '/'");
  if (root.back() != '/') BadRoot(root, "does not end in '/'");
  bool at_start = true;
  for (const char c : root) {
    if (c == '/') {
      if (at_start) BadRoot(root, "holds an empty folder name");
      at_start = true;
      continue;
    }
    if (at_start && (c == '_' || c == '.')) {
      BadRoot(root, "holds a folder name that begins with '_' or '.', which Redshift hides");
    }
    if (!IsPlain(c) && c != '_' && c != '.' && c != '=') {
      BadRoot(root, "holds a character that may not stand in a staging prefix");
    }
    at_start = false;
  }
}

// A name as a folder that no other name is spelled as. '=' begins what stands for a byte, so it is
// one itself; so is '_' at the start, where Redshift takes it as hidden.
std::string Spelled(std::string_view name) {
  std::string spelled;
  for (const char c : name) {
    if (IsPlain(c) || (c == '_' && !spelled.empty())) {
      spelled += c;
    } else {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      spelled += {'=', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
  }
  return spelled;
}

}  // namespace

std::string Slug(std::string_view name) {
  constexpr std::size_t kLengthMax = 64;
  std::string slug;
  for (const char c : name.substr(0, kLengthMax)) {
    if (IsPlain(c)) {
      slug += c;
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "stream" : slug;
}

std::string OwnRoot(std::string_view root, std::string_view connection) {
  CheckRoot(root);
  if (connection.empty()) BadRoot(root, "has no connection's name behind it");
  return std::string(root) + Spelled(connection) + "/";
}

std::string RunPrefix(std::string_view root, std::string_view connection, std::string_view run) {
  return OwnRoot(root, connection) + Slug(run) + "/";
}

std::string AttemptPrefix(std::string_view run_prefix, std::string_view stream,
                          std::string_view attempt) {
  return std::string(run_prefix) + Slug(stream) + "/" + Slug(attempt) + "/";
}

std::string_view RunOfKey(std::string_view own_root, std::string_view key) {
  if (!key.starts_with(own_root)) return {};
  key.remove_prefix(own_root.size());
  const auto slash = key.find('/');
  return slash == std::string_view::npos ? std::string_view{} : key.substr(0, slash);
}

}  // namespace sluice::staging
