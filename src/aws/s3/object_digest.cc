#include "aws/s3/object_digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace sluice::aws {
namespace {

struct Algorithm {
  DigestKind kind;
  std::string_view name;  // as S3's header ends, and as results tell it
  std::size_t bytes;
};

// In the order of our liking: the cheap ones first, which are as good against damage.
constexpr std::array<Algorithm, 7> kAlgorithms{{{DigestKind::kCrc64Nvme, "crc64nvme", 8},
                                                {DigestKind::kCrc32c, "crc32c", 4},
                                                {DigestKind::kCrc32, "crc32", 4},
                                                {DigestKind::kSha256, "sha256", 32},
                                                {DigestKind::kSha1, "sha1", 20},
                                                {DigestKind::kSha512, "sha512", 64},
                                                {DigestKind::kMd5, "md5", 16}}};

const Algorithm* Find(DigestKind kind) {
  const auto it = std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                               [&](const Algorithm& algorithm) { return algorithm.kind == kind; });
  return it == kAlgorithms.end() ? nullptr : it;
}

std::optional<base::CrcKind> CrcOf(DigestKind kind) {
  switch (kind) {
    case DigestKind::kCrc64Nvme: return base::CrcKind::kCrc64Nvme;
    case DigestKind::kCrc32c: return base::CrcKind::kCrc32c;
    case DigestKind::kCrc32: return base::CrcKind::kCrc32;
    default: return std::nullopt;
  }
}

const EVP_MD* OpenSslOf(DigestKind kind) {
  switch (kind) {
    case DigestKind::kSha256: return EVP_sha256();
    case DigestKind::kSha1: return EVP_sha1();
    case DigestKind::kSha512: return EVP_sha512();
    case DigestKind::kMd5: return EVP_md5();
    default: return nullptr;
  }
}

[[noreturn]] void ThrowOpenSsl() {
  throw base::Error({.code = base::ErrorCode::kInternal,
                     .operation = "compute a digest",
                     .message = "OpenSSL refuses the algorithm"});
}

// Exactly `size` bytes, or nothing.
std::optional<std::string> FromBase64(std::string_view text, std::size_t size) {
  if (text.size() != (size + 2) / 3 * 4) return std::nullopt;
  std::string decoded(text.size() / 4 * 3, '\0');
  const int count = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  if (count < 0) return std::nullopt;
  decoded.resize(size);  // OpenSSL counts the padding as zeros
  return decoded;
}

std::string ToBase64(std::string_view bytes) {
  std::string encoded((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  encoded.pop_back();
  return encoded;
}

std::optional<std::string> FromHex(std::string_view text, std::size_t size) {
  if (text.size() != size * 2) return std::nullopt;
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto value = base::ParseNumber<unsigned char>(text.substr(i, 2), 16);
    if (!value) return std::nullopt;
    decoded += static_cast<char>(*value);
  }
  return decoded;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

// Cuts "-N" off; nullopt if what follows the last '-' is no number of parts an upload can have.
std::optional<std::uint32_t> CutPieces(std::string_view& text) {
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos) return 0;
  const auto pieces = base::ParseNumber<std::uint32_t>(text.substr(dash + 1));
  if (!pieces || *pieces == 0 || *pieces > 10'000) return std::nullopt;
  text = text.substr(0, dash);
  return pieces;
}

std::optional<ObjectDigest> FromHeader(const Algorithm& algorithm, const std::string& header,
                                       bool composite) {
  std::string_view text = header;
  const auto pieces = CutPieces(text);
  // One of pieces that does not say how many.
  if (!pieces || (composite && *pieces == 0)) return std::nullopt;
  auto bytes = FromBase64(text, algorithm.bytes);
  if (!bytes) return std::nullopt;
  return ObjectDigest{algorithm.kind, std::move(*bytes), *pieces,
                      "x-amz-checksum-" + std::string(algorithm.name) + ": " + std::string(header)};
}

bool Says(const http::Response& response, std::string_view name, std::string_view start) {
  const std::string* value = response.Find(name);
  return value != nullptr && value->starts_with(start);
}

ObjectDigest FromETag(const http::Response& response) {
  const std::string* etag = response.Find("etag");
  if (etag == nullptr || Says(response, "x-amz-server-side-encryption", "aws:") ||
      response.Find("x-amz-server-side-encryption-customer-algorithm") != nullptr) {
    return {};
  }
  std::string_view text = *etag;
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return {};
  text = text.substr(1, text.size() - 2);
  const auto pieces = CutPieces(text);
  if (!pieces) return {};
  auto bytes = FromHex(text, 16);
  if (!bytes) return {};
  return {DigestKind::kMd5, std::move(*bytes), *pieces, "ETag: " + *etag};
}

}  // namespace

std::string_view ToString(DigestKind kind) {
  const Algorithm* algorithm = Find(kind);
  return algorithm == nullptr ? "none" : algorithm->name;
}

ObjectDigest ReadDigest(const http::Response& response) {
  const bool composite = Says(response, "x-amz-checksum-type", "COMPOSITE");
  std::optional<ObjectDigest> of_pieces;
  for (const Algorithm& algorithm : kAlgorithms) {
    const std::string* header = response.Find("x-amz-checksum-" + std::string(algorithm.name));
    if (header == nullptr) continue;
    auto digest = FromHeader(algorithm, *header, composite);
    if (digest && digest->pieces == 0) return std::move(*digest);
    if (digest && !of_pieces) of_pieces = std::move(digest);
  }
  ObjectDigest etag = FromETag(response);
  if (!of_pieces || (etag.known() && etag.pieces == 0)) return etag;
  return std::move(*of_pieces);
}

ObjectDigest ReadChecksum(DigestKind kind, std::string_view value) {
  const Algorithm* algorithm = Find(kind);
  if (algorithm == nullptr) return {};
  return FromHeader(*algorithm, std::string(value), false).value_or(ObjectDigest{});
}

void Hasher::OpenSslFree::operator()(void* context) const {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context));
}

Hasher::Hasher(DigestKind kind) {
  if (const auto crc = CrcOf(kind)) {
    state_ = Running{*crc, 0};
    return;
  }
  std::unique_ptr<void, OpenSslFree> context(EVP_MD_CTX_new());
  if (!context ||
      EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context.get()), OpenSslOf(kind), nullptr) != 1) {
    ThrowOpenSsl();
  }
  state_ = std::move(context);
}

void Hasher::Add(std::span<const std::byte> bytes) {
  if (auto* crc = std::get_if<Running>(&state_)) {
    crc->value = base::ExtendCrc(crc->kind, crc->value, bytes);
    return;
  }
  auto* context = static_cast<EVP_MD_CTX*>(std::get<1>(state_).get());
  if (EVP_DigestUpdate(context, bytes.data(), bytes.size()) != 1) ThrowOpenSsl();
}

std::string Hasher::Finish() {
  if (const auto* crc = std::get_if<Running>(&state_)) {
    std::string bytes(base::CrcBytes(crc->kind), '\0');
    std::uint64_t value = crc->value;
    for (auto it = bytes.rbegin(); it != bytes.rend(); ++it, value >>= 8) {
      *it = static_cast<char>(value & 0xFF);
    }
    return bytes;
  }
  std::string bytes(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  auto* context = static_cast<EVP_MD_CTX*>(std::get<1>(state_).get());
  if (EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(bytes.data()), &size) != 1) {
    ThrowOpenSsl();
  }
  bytes.resize(size);
  return bytes;
}

DigestCheck::DigestCheck(ObjectDigest digest, std::vector<std::uint64_t> piece_bytes)
    : digest_(std::move(digest)), piece_bytes_(std::move(piece_bytes)), piece_(digest_.kind) {}

void DigestCheck::Add(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    std::size_t take = bytes.size();
    // What exceeds the last piece belongs to it, and makes it another one.
    if (pieces_ + 1 < digest_.pieces) {
      take = static_cast<std::size_t>(
          std::min<std::uint64_t>(take, piece_bytes_.at(pieces_) - in_piece_));
    }
    piece_.Add(bytes.first(take));
    in_piece_ += take;
    bytes = bytes.subspan(take);
    if (pieces_ + 1 < digest_.pieces && in_piece_ == piece_bytes_[pieces_]) EndPiece();
  }
}

void DigestCheck::EndPiece() {
  of_pieces_ += piece_.Finish();
  ++pieces_;
  in_piece_ = 0;
  piece_ = Hasher(digest_.kind);
}

bool DigestCheck::Holds() {
  std::string made = piece_.Finish();
  if (digest_.pieces > 0) {
    of_pieces_ += made;
    Hasher whole(digest_.kind);
    whole.Add(std::as_bytes(std::span(of_pieces_.data(), of_pieces_.size())));
    made = whole.Finish();
  }
  received_ = SpellDigest(digest_, made);
  return made == digest_.bytes;
}

std::string SpellDigest(const ObjectDigest& digest, std::string_view bytes) {
  const std::string pieces = digest.pieces == 0 ? "" : "-" + std::to_string(digest.pieces);
  if (digest.told.starts_with("ETag")) return "ETag: \"" + ToHex(bytes) + pieces + "\"";
  return "x-amz-checksum-" + std::string(ToString(digest.kind)) + ": " + ToBase64(bytes) + pieces;
}

}  // namespace sluice::aws
