#include "serve/page/page.h"

#include <algorithm>

#include "serve/page/bundle.h"

namespace sluice::serve {

const PageFile* FindPageFile(std::string_view path) {
  if (path == "/" || path == "/connect") path = "/index.html";
  const auto files = Bundle();
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const PageFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::string_view PageCacheControl(const PageFile& file) {
  return file.immutable ? "public, max-age=31536000, immutable" : "no-cache";
}

std::string PagePolicy(std::span<const std::string> frame_ancestors) {
  std::string policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors";
  if (frame_ancestors.empty()) return policy + " 'none'";
  for (const auto& origin : frame_ancestors) policy += " " + origin;
  return policy;
}

}  // namespace sluice::serve
