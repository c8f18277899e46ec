// What S3 tells of an object's bytes: any headers are a digest of the length of its kind, or none.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "aws/s3/object_digest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::aws;
  if (size == 0) return 0;
  static const char* const kNames[] = {"crc64nvme", "crc32c", "crc32", "sha256",
                                       "sha1",      "sha512", "md5",   "crc16"};
  const std::string value(reinterpret_cast<const char*>(data) + 1, size - 1);
  sluice::http::Response response{.status = 200, .headers = {}, .body = ""};
  response.headers.push_back({std::string("x-amz-checksum-") + kNames[data[0] & 7], value});
  response.headers.push_back({"ETag", value});
  if ((data[0] & 8) != 0) response.headers.push_back({"x-amz-checksum-type", "COMPOSITE"});
  const ObjectDigest digest = ReadDigest(response);
  if (!digest.known()) return 0;
  if (digest.pieces > 10'000 || digest.told.empty()) abort();
  DigestCheck check(digest, std::vector<std::uint64_t>(digest.pieces, 3));
  check.Add(std::as_bytes(std::span(value.data(), value.size())));
  check.Holds();
  if (SpellDigest(digest, digest.bytes).size() > digest.told.size() + 64) abort();
  return 0;
}
