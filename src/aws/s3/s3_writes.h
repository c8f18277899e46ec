// What brings objects into a bucket: puts, conditional puts, uploads in pieces, copies.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_store.h"
#include "aws/service.h"
#include "aws/xml.h"

namespace sluice::aws {

// Above it a copy goes in pieces. S3 would take 5 GiB at once, but says nothing while it works, and
// an exchange that is silent for 30 s is given up.
inline constexpr std::uint64_t kCopyAtOnceMax = 1ULL << 30;
// One piece of an upload: of a file, three of them are in memory at a time (read, sent, signed).
inline constexpr std::uint64_t kUploadPieceBytes = 8ULL << 20;

// Thread-safe. object_store.h says what each does. REQUIRES: `client` and `credentials` outlive it.
class S3Writes {
 public:
  S3Writes(const ServiceClient& client, std::string bucket, std::string kms_key_arn,
           CredentialProvider& credentials);

  PutResult Put(std::string_view key, std::string_view body, const base::Call& call) const;
  bool PutIfAbsent(std::string_view key, std::string_view body, const base::Call& call) const;
  void PutFile(const std::filesystem::path& file, std::string_view key,
               const base::Call& call) const;
  void CopyFrom(const CopySource& source, std::string_view key, const base::Call& call) const;

 private:
  // A piece of an object: sends it as piece `number` (from 1) of the upload and returns its ETag.
  using SendPiece = std::function<std::string(const std::string& upload_id, std::size_t number,
                                              std::uint64_t offset, std::uint64_t bytes)>;

  ServiceCall PutCall(std::string operation, std::string_view key) const;
  ServiceCall CopyCall(std::string operation, const CopySource& source, std::string_view key) const;
  std::string TextOf(const ServiceCall& request, std::string_view root, std::string_view member,
                     const base::Call& call) const;
  // The document that answers; it has a text at `member`.
  XmlNode Document(const ServiceCall& request, std::string_view root, std::string_view member,
                   const base::Call& call) const;
  void CheckCopy(const CopySource& source, std::string_view key, const XmlNode& answer) const;
  bool HoldsBody(std::string_view key, std::string_view body, const base::Call& call) const;
  bool HoldsBytes(std::string_view key, std::uint64_t bytes, const base::Call& call) const;
  // All pieces of an object of `bytes`, each of `piece_bytes` but the last. The answer to the last
  // call; empty where that was lost.
  XmlNode InPieces(std::string_view key, std::uint64_t bytes, std::uint64_t piece_bytes,
                   const base::Call& call, const SendPiece& send) const;
  XmlNode Complete(std::string_view key, const std::string& upload_id, std::uint64_t bytes,
                   const std::vector<std::string>& etags, const base::Call& call) const;
  void Abort(std::string_view key, const std::string& upload_id) const;

  const ServiceClient& client_;
  const std::string bucket_;
  const std::string kms_key_arn_;
  CredentialProvider& credentials_;
};

}  // namespace sluice::aws
