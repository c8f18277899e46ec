// What S3 would tell of a body.
#pragma once
#include <string>
#include <string_view>

#include "aws/s3/object_digest.h"

namespace sluice::test {

// Of all bytes, as S3 spells it.
inline aws::ObjectDigest DigestOf(aws::DigestKind kind, std::string_view body) {
  aws::Hasher hasher(kind);
  hasher.Add(std::as_bytes(std::span(body.data(), body.size())));
  aws::ObjectDigest digest{.kind = kind, .bytes = hasher.Finish(), .pieces = 0, .told = ""};
  digest.told = SpellDigest(digest, digest.bytes);
  return digest;
}

// What S3 has of everything that was uploaded without a checksum.
inline aws::ObjectDigest DefaultDigest(std::string_view body) {
  return DigestOf(aws::DigestKind::kCrc64Nvme, body);
}

}  // namespace sluice::test
