#include "aws/s3/object_check.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::aws {
namespace {

using Sizes = std::vector<std::uint64_t>;

// nullopt: the service does not know part numbers.
std::optional<std::uint64_t> SizeOfPiece(ObjectStore& store, const ObjectInfo& object, int number,
                                         const base::Call& call) {
  try {
    return HeadNow(store, {.key = object.key, .etag = object.etag, .part_number = number}, call)
        .bytes;
  } catch (const base::Error& error) {
    switch (error.code()) {
      case base::ErrorCode::kUnsupported:
      case base::ErrorCode::kInvalidConfig:
      case base::ErrorCode::kCorrupt:
      case base::ErrorCode::kSource:
      case base::ErrorCode::kInternal: return std::nullopt;
      default: throw;
    }
  }
}

std::optional<Sizes> OfOneSize(std::uint64_t first, std::uint64_t bytes, std::uint32_t pieces) {
  if (first == 0 || (bytes + first - 1) / first != pieces) return std::nullopt;
  Sizes sizes(pieces, first);
  sizes.back() = bytes - first * (pieces - 1);
  return sizes;
}

std::optional<Sizes> AskSizes(ObjectStore& store, const ObjectInfo& object, std::uint64_t first,
                              std::uint32_t pieces, const base::Call& call) {
  Sizes sizes{first};
  for (std::uint32_t number = 2; number <= pieces; ++number) {
    const auto size = SizeOfPiece(store, object, static_cast<int>(number), call);
    if (!size || *size == 0) return std::nullopt;
    sizes.push_back(*size);
  }
  const auto sum = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
  return sum == object.bytes ? std::optional(std::move(sizes)) : std::nullopt;
}

ObjectCheck CheckWith(const ObjectDigest& digest, Sizes sizes,
                      const std::function<void(DigestCheck&)>& feed) {
  DigestCheck check(digest, std::move(sizes));
  feed(check);
  if (check.Holds()) return {Verdict::kHolds, ""};
  return {Verdict::kDiffers, check.received()};
}

}  // namespace

ObjectCheck CheckObject(ObjectStore& store, const ObjectInfo& object, const ObjectDigest& digest,
                        const std::function<void(DigestCheck&)>& feed, const base::Call& call) {
  if (!digest.known()) return {};
  if (digest.pieces <= 1) return CheckWith(digest, {object.bytes}, feed);
  const auto first = SizeOfPiece(store, object, 1, call);
  // A service that overlooks part numbers tells the whole object's size.
  if (!first || *first == 0 || *first >= object.bytes) return {};
  const auto guessed = OfOneSize(*first, object.bytes, digest.pieces);
  ObjectCheck check;
  if (guessed) check = CheckWith(digest, *guessed, feed);
  if (check.verdict == Verdict::kHolds) return check;
  const auto told = AskSizes(store, object, *first, digest.pieces, call);
  if (!told) return {};
  if (guessed && *told == *guessed) return check;
  return CheckWith(digest, *told, feed);
}

}  // namespace sluice::aws
