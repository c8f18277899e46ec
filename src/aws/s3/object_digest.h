// What S3 tells of an object's bytes, and whether bytes that came are those. Pure; any thread.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
//
// Told by GET and HEAD with "x-amz-checksum-mode: ENABLED", of the whole object and never of a
// range (what a range may carry is its upload part's, or a whole object's without saying so):
// - x-amz-checksum-ALGORITHM: "BASE64" is of all bytes (x-amz-checksum-type FULL_OBJECT),
//   "BASE64-N" is of the N digests of the parts it was uploaded in (COMPOSITE). What was uploaded
//   without one has CRC64NVME of all bytes since December 2024.
// - ETag: an MD5 of all bytes, or "MD5-N" of the MD5s of N parts, but for objects encrypted with
//   KMS or with a customer's key
//   (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/crc.h"
#include "http/transport.h"

namespace sluice::aws {

enum class DigestKind { kNone, kCrc64Nvme, kCrc32c, kCrc32, kSha256, kSha1, kSha512, kMd5 };

// "crc64nvme", "md5", ...; "none".
std::string_view ToString(DigestKind kind);

struct ObjectDigest {
  DigestKind kind = DigestKind::kNone;  // kNone: S3 told nothing that bytes can be compared with
  std::string bytes;                    // the digest, big end first
  // 0: of all bytes. Else of the digests of so many pieces, whose sizes must be known.
  std::uint32_t pieces = 0;
  std::string told;  // as S3 spells it, for people: "x-amz-checksum-crc32: 4AAr8A=="

  bool known() const { return kind != DigestKind::kNone; }
  friend bool operator==(const ObjectDigest&, const ObjectDigest&) = default;
};

// Of a reply to a GET or HEAD of a whole object. A digest of all bytes comes before one of pieces,
// a checksum before the ETag. What cannot be read counts as not told.
ObjectDigest ReadDigest(const http::Response& response);
// Of an answer in XML: `value` is base64, as ChecksumCRC64NVME of a CopyObjectResult.
ObjectDigest ReadChecksum(DigestKind kind, std::string_view value);

// A digest in the making. Throws base::Error kInternal where OpenSSL refuses an algorithm.
class Hasher {
 public:
  // REQUIRES: not kNone.
  explicit Hasher(DigestKind kind);
  Hasher(Hasher&&) noexcept = default;
  Hasher& operator=(Hasher&&) noexcept = default;
  ~Hasher() = default;
  void Add(std::span<const std::byte> bytes);
  std::string Finish();  // once; big end first

 private:
  struct OpenSslFree {
    void operator()(void* context) const;
  };
  struct Running {
    base::CrcKind kind;
    std::uint64_t value;
  };
  std::variant<Running, std::unique_ptr<void, OpenSslFree>> state_;
};

// Feeds bytes in their order and compares at the end.
class DigestCheck {
 public:
  // `piece_bytes`: the size of each piece; ignored where the digest is of all bytes.
  // REQUIRES: digest.known(); as many sizes above 0 as digest.pieces.
  DigestCheck(ObjectDigest digest, std::vector<std::uint64_t> piece_bytes);
  void Add(std::span<const std::byte> bytes);
  // Whether the bytes are those; once.
  bool Holds();
  // What was made of the bytes, as S3 would spell it. After Holds.
  const std::string& received() const { return received_; }

 private:
  void EndPiece();

  const ObjectDigest digest_;
  const std::vector<std::uint64_t> piece_bytes_;
  std::size_t pieces_ = 0;      // that have ended
  std::uint64_t in_piece_ = 0;  // bytes of the one that has not
  Hasher piece_;
  std::string of_pieces_;
  std::string received_;
};

// `bytes` in the place of the digest's own, as S3 would spell it.
std::string SpellDigest(const ObjectDigest& digest, std::string_view bytes);

}  // namespace sluice::aws
