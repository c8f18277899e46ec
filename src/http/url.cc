#include "http/url.h"

#include <algorithm>

namespace sluice::http {

std::string_view AuthorityOf(std::string_view url) {
  const auto start = url.find("://");
  if (start == std::string_view::npos) return "";
  const std::string_view scheme = url.substr(0, start);
  if (scheme != "http" && scheme != "https") return "";
  const std::string_view rest = url.substr(start + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.find_first_of("@\\ ") == std::string_view::npos ? authority : "";
}

std::string_view HostOf(std::string_view url) {
  const std::string_view authority = AuthorityOf(url);
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? "" : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool IsHeaderValue(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace sluice::http
