#include "aws/s3/s3_writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "aws/s3/s3_call.h"
#include "aws/sigv4.h"
#include "aws/xml.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

// S3's own limit of one upload.
constexpr std::uint64_t kPiecesMax = 10'000;
constexpr std::uint64_t kCopyPieceBytes = 512ULL << 20;
// For what is tidied up after a failure.
constexpr std::chrono::seconds kAbortPatience{30};

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

[[noreturn]] void ThrowFile(const std::filesystem::path& file, int number, std::string message) {
  throw base::Error(
      {.code = number == EACCES ? ErrorCode::kPermission : ErrorCode::kNotFound,
       .operation = "read a file to upload",
       .subject = "file " + file.string(),
       .message = std::move(message),
       .remedy = "Nothing else may touch the work folder while a sync runs. Run again."});
}

// `bytes` at `offset`, or it throws.
std::string ReadPiece(const std::filesystem::path& file, std::uint64_t offset,
                      std::uint64_t bytes) {
  const File in(std::fopen(file.c_str(), "rbe"), &std::fclose);
  if (!in) {
    const int number = errno;
    ThrowFile(file, number, std::generic_category().message(number));
  }
  std::string piece(bytes, '\0');
  if (fseeko(in.get(), static_cast<off_t>(offset), SEEK_SET) != 0 ||
      std::fread(piece.data(), 1, bytes, in.get()) != bytes) {
    ThrowFile(file, 0, "it is shorter than it was");
  }
  return piece;
}

// What may have happened although nobody said so.
bool MayHaveHappened(ErrorCode code) {
  return code == ErrorCode::kUnreachable || code == ErrorCode::kUnavailable ||
         code == ErrorCode::kTimeout || code == ErrorCode::kThrottled ||
         code == ErrorCode::kCancelled;
}

std::string CompleteBody(const std::vector<std::string>& etags) {
  std::string body = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (std::size_t i = 0; i < etags.size(); ++i) {
    body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1,
                        XmlEscape(etags[i]));
  }
  return body + "</CompleteMultipartUpload>";
}

}  // namespace

S3Writes::S3Writes(const ServiceClient& client, std::string bucket, std::string kms_key_arn,
                   CredentialProvider& credentials)
    : client_(client),
      bucket_(std::move(bucket)),
      kms_key_arn_(std::move(kms_key_arn)),
      credentials_(credentials) {}

// With the key that what it makes is encrypted by.
ServiceCall S3Writes::PutCall(std::string operation, std::string_view key) const {
  ServiceCall request =
      ObjectCall(client_.endpoint(), bucket_, key, std::move(operation), "s3:PutObject");
  request.method = "PUT";
  if (!kms_key_arn_.empty()) {
    request.headers = {{"x-amz-server-side-encryption", "aws:kms"},
                       {"x-amz-server-side-encryption-aws-kms-key-id", kms_key_arn_}};
  }
  return request;
}

PutResult S3Writes::Put(std::string_view key, std::string_view body, const base::Call& call) const {
  ServiceCall request = PutCall("PutObject", key);
  request.body = body;
  // Putting the same bytes again changes nothing, so a lost answer may be followed by a repeat.
  PutResult result;
  client_.Send(request, credentials_, call, [&](const http::Response& response) {
    if (!response.ok()) return false;
    const std::string* version = response.Find("x-amz-version-id");
    const std::string* expiration = response.Find("x-amz-expiration");
    // A bucket whose versioning is suspended answers "null": a new object replaces the old one.
    if (version != nullptr && *version != "null") result.version_id = *version;
    if (expiration != nullptr) result.expiration = *expiration;
    return true;
  });
  return result;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
bool S3Writes::PutIfAbsent(std::string_view key, std::string_view body,
                           const base::Call& call) const {
  ServiceCall request = PutCall("PutObject", key);
  request.body = body;
  request.headers.push_back({"If-None-Match", "*"});
  bool taken = false;
  try {
    // Repeating is safe: what an earlier try left behind is told apart by its body, below.
    client_.Send(request, credentials_, call, [&](const http::Response& response) {
      taken = response.status == 412;
      return response.ok() || taken;
    });
  } catch (const base::Error& error) {
    base::ErrorInfo info = error.info();
    info.in_doubt = MayHaveHappened(info.code);
    if (info.in_doubt) info.retryable = false;
    throw base::Error(info);
  }
  return !taken || HoldsBody(key, body, call);
}

bool S3Writes::HoldsBody(std::string_view key, std::string_view body,
                         const base::Call& call) const {
  ServiceCall request = ObjectCall(client_.endpoint(), bucket_, key, "GetObject", "s3:GetObject");
  request.body_bytes_max = std::max<std::uint64_t>(body.size() + 1, 64 << 10);
  bool same = false;
  try {
    client_.Send(request, credentials_, call, [&](const http::Response& response) {
      same = response.ok() && response.body == body;
      // Gone again: whoever removed it knew of it, so it was not this one.
      return response.ok() || response.status == 404;
    });
  } catch (const base::Error& error) {
    if (error.code() == ErrorCode::kCorrupt) return false;  // longer than ours
    base::ErrorInfo info = error.info();
    info.in_doubt = true;
    throw base::Error(info);
  }
  return same;
}

bool S3Writes::HoldsBytes(std::string_view key, std::uint64_t bytes, const base::Call& call) const {
  ServiceCall request = ObjectCall(client_.endpoint(), bucket_, key, "HeadObject", "s3:GetObject");
  request.method = "HEAD";
  std::string length;
  client_.Send(request, credentials_, call, [&](const http::Response& response) {
    const std::string* header = response.Find("content-length");
    if (response.ok() && header != nullptr) length = *header;
    return response.ok() || response.status == 404;
  });
  return length == std::to_string(bytes);
}

// The text at `member` of the document that answers, whose root is `root`.
std::string S3Writes::TextOf(const ServiceCall& request, std::string_view root,
                             std::string_view member, const base::Call& call) const {
  return std::string(Document(request, root, member, call).Text(member));
}

XmlNode S3Writes::Document(const ServiceCall& request, std::string_view root,
                           std::string_view member, const base::Call& call) const {
  return SendForDocument(client_, credentials_, request, call,
                         [&](std::string_view text) -> std::optional<XmlNode> {
                           auto document = ParseXml(text);
                           if (!document || document->name != root) return std::nullopt;
                           if (document->Text(member).empty()) return std::nullopt;
                           return document;
                         });
}

void S3Writes::PutFile(const std::filesystem::path& file, std::string_view key,
                       const base::Call& call) const {
  std::error_code failed;
  const std::uint64_t bytes = std::filesystem::file_size(file, failed);
  if (failed) ThrowFile(file, failed.value(), failed.message());
  if (bytes <= kUploadPieceBytes) {
    Put(key, ReadPiece(file, 0, bytes), call);
    return;
  }
  const std::uint64_t piece = std::max(kUploadPieceBytes, (bytes + kPiecesMax - 1) / kPiecesMax);
  InPieces(key, bytes, piece, call,
           [&](const std::string& id, std::size_t number, std::uint64_t at, std::uint64_t count) {
             ServiceCall request =
                 ObjectCall(client_.endpoint(), bucket_, key, "UploadPart", "s3:PutObject");
             request.method = "PUT";
             request.query = {{"partNumber", std::to_string(number)}, {"uploadId", id}};
             request.body = ReadPiece(file, at, count);
             std::string etag;
             client_.Send(request, credentials_, call, [&](const http::Response& response) {
               const std::string* told = response.Find("etag");
               if (response.ok() && told == nullptr) throw client_.Unreadable(request, response);
               if (response.ok()) etag = *told;
               return response.ok();
             });
             return etag;
           });
}

ServiceCall S3Writes::CopyCall(std::string operation, const CopySource& source,
                               std::string_view key) const {
  ServiceCall request = PutCall(std::move(operation), key);
  request.headers.push_back(
      {"x-amz-copy-source", UriEncodePath("/" + source.bucket + "/" + source.key)});
  if (!source.etag.empty()) {
    request.headers.push_back({"x-amz-copy-source-if-match", source.etag});
  }
  return request;
}

void S3Writes::CopyFrom(const CopySource& source, std::string_view key,
                        const base::Call& call) const {
  if (source.bytes <= kCopyAtOnceMax) {
    const ServiceCall request = CopyCall("CopyObject", source, key);
    const XmlNode answer = Document(request, "CopyObjectResult", "ETag", call);
    return CheckCopy(source, key, answer);
  }
  const std::uint64_t piece =
      std::max(kCopyPieceBytes, (source.bytes + kPiecesMax - 1) / kPiecesMax);
  const XmlNode answer = InPieces(
      key, source.bytes, piece, call,
      [&](const std::string& id, std::size_t number, std::uint64_t at, std::uint64_t count) {
        ServiceCall request = CopyCall("UploadPartCopy", source, key);
        // The upload was told how to encrypt, its pieces must not be.
        std::erase_if(request.headers, [](const http::Header& header) {
          return header.name.starts_with("x-amz-server-side-encryption");
        });
        request.query = {{"partNumber", std::to_string(number)}, {"uploadId", id}};
        request.headers.push_back(
            {"x-amz-copy-source-range", fmt::format("bytes={}-{}", at, at + count - 1)});
        return TextOf(request, "CopyPartResult", "ETag", call);
      });
  CheckCopy(source, key, answer);
}

// S3 computes a checksum of what it stored, of all bytes by default; so the copy of a whole object
// has its source's, whatever pieces the two came in.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObjectResult.html
void S3Writes::CheckCopy(const CopySource& source, std::string_view key,
                         const XmlNode& answer) const {
  if (!source.digest || !source.digest->known() || source.digest->pieces > 0) return;
  const ObjectDigest& told = *source.digest;
  ObjectDigest copy;
  if (told.kind == DigestKind::kMd5) return;  // an ETag, which an encrypted copy may not have
  for (const auto& [member, kind] : {std::pair{"ChecksumCRC64NVME", DigestKind::kCrc64Nvme},
                                     std::pair{"ChecksumCRC32C", DigestKind::kCrc32c},
                                     std::pair{"ChecksumCRC32", DigestKind::kCrc32},
                                     std::pair{"ChecksumSHA256", DigestKind::kSha256},
                                     std::pair{"ChecksumSHA1", DigestKind::kSha1},
                                     std::pair{"ChecksumSHA512", DigestKind::kSha512}}) {
    if (kind == told.kind) copy = ReadChecksum(kind, answer.Text(member));
  }
  if (!copy.known() || copy.pieces > 0 || copy.bytes == told.bytes) return;
  base::ErrorInfo info =
      DamagedError("CopyObject", "s3://" + bucket_ + "/" + std::string(key), told, copy.told)
          .info();
  info.message = "the copy is not what its source is: S3 tells " + told.told + " of the source, " +
                 copy.told + " of the copy";
  throw base::Error(info);
}

XmlNode S3Writes::InPieces(std::string_view key, std::uint64_t bytes, std::uint64_t piece_bytes,
                           const base::Call& call, const SendPiece& send) const {
  ServiceCall begin = PutCall("CreateMultipartUpload", key);
  begin.method = "POST";
  begin.query = {{"uploads", ""}};
  const std::string id = TextOf(begin, "InitiateMultipartUploadResult", "UploadId", call);
  try {
    std::vector<std::string> etags;
    for (std::uint64_t at = 0; at < bytes; at += piece_bytes) {
      etags.push_back(send(id, etags.size() + 1, at, std::min(piece_bytes, bytes - at)));
    }
    return Complete(key, id, bytes, etags, call);
  } catch (...) {
    Abort(key, id);
    throw;
  }
}

XmlNode S3Writes::Complete(std::string_view key, const std::string& upload_id, std::uint64_t bytes,
                           const std::vector<std::string>& etags, const base::Call& call) const {
  ServiceCall request =
      ObjectCall(client_.endpoint(), bucket_, key, "CompleteMultipartUpload", "s3:PutObject");
  request.method = "POST";
  request.query = {{"uploadId", upload_id}};
  request.body = CompleteBody(etags);
  request.headers = {{"Content-Type", "application/xml"}};
  try {
    return Document(request, "CompleteMultipartUploadResult", "ETag", call);
  } catch (const base::Error& error) {
    // A repeat after a lost answer finds no upload any more, but the object.
    if (error.code() != ErrorCode::kNotFound || !HoldsBytes(key, bytes, call)) throw;
    return {};
  }
}

// Not the caller's stop: what was written must go, above all when somebody pressed Ctrl-C.
void S3Writes::Abort(std::string_view key, const std::string& upload_id) const {
  ServiceCall request = ObjectCall(client_.endpoint(), bucket_, key, "AbortMultipartUpload",
                                   "s3:AbortMultipartUpload");
  request.method = "DELETE";
  request.query = {{"uploadId", upload_id}};
  try {
    client_.Send(
        request, credentials_,
        {.deadline = base::Deadline::After(client_.clock(), kAbortPatience), .stop = {}},
        [](const http::Response& response) { return response.ok() || response.status == 404; });
  } catch (const std::exception&) {
    // The failure that led here is what is told; a lifecycle rule removes what is left.
  }
}

}  // namespace sluice::aws
