// Whether bytes that came are those that S3's digest is of. It asks S3 for the sizes of the pieces
// where the digest is one of pieces.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "aws/s3/object_store.h"

namespace sluice::aws {

enum class Verdict {
  kHolds,
  kDiffers,
  kUnknown,  // S3 told no digest, or one of pieces whose sizes it does not tell
};

struct ObjectCheck {
  Verdict verdict = Verdict::kUnknown;
  std::string received;  // where it differs: the digest of what came, as S3 would spell it
};

// `object`: key, ETag and size of what was read. `feed` hands all its bytes to the check, in order,
// and may be called twice: pieces are assumed to be of one size, as every client known to us makes
// them, which costs one HEAD; only where that does not hold is each piece asked for.
// Throws what `store` and `feed` throw.
ObjectCheck CheckObject(ObjectStore& store, const ObjectInfo& object, const ObjectDigest& digest,
                        const std::function<void(DigestCheck&)>& feed, const base::Call& call);

}  // namespace sluice::aws
