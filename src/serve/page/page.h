// The page as the program carries it: the files that Vite built from web/, gzipped. Pure; any
// thread.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace sluice::serve {

struct PageFile {
  std::string_view path;          // "/assets/index-B1x2.js"
  std::string_view content_type;  // with its charset
  std::string_view etag;          // with its quotes; of the bytes before they were gzipped
  // Its name holds a hash of its bytes, so that it never changes.
  bool immutable = false;
  // Gzipped: send `Content-Encoding: gzip`. There is no other form; every browser takes this one.
  std::string_view bytes;
};

// The file at a path of a request, without its query: "/" and "/connect" are the page itself, for
// it reads its own address. Null: there is none; nothing is ever looked for on the disk.
const PageFile* FindPageFile(std::string_view path);

// Value of Cache-Control for it.
std::string_view PageCacheControl(const PageFile& file);

// Value of Content-Security-Policy for the page's files: nothing from another host, no script or
// style inside of the document. `frame_ancestors`: origins ("https://app.acme.com") whose pages may
// show it in a frame; empty: none. REQUIRES: they are origins, without blanks and semicolons.
std::string PagePolicy(std::span<const std::string> frame_ancestors);

}  // namespace sluice::serve
