#include "aws/s3/s3.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/s3/object_check.h"
#include "aws/s3/page_guard.h"
#include "aws/s3/s3_call.h"
#include "aws/s3/s3_reads.h"
#include "aws/s3/s3_writes.h"
#include "aws/s3/s3_xml.h"
#include "aws/service.h"
#include "aws/sigv4.h"
#include "aws/time_text.h"
#include "aws/xml.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

// S3's own limit of one multi-delete.
constexpr std::size_t kDeleteMax = 1000;
// A part that is still being written survives the abort of its upload (S3API AbortMultipartUpload):
// abort, look, abort again.
constexpr int kAbortsMax = 5;
constexpr std::chrono::milliseconds kAbortPause{200};
// A page of 1000 keys of 1024 bytes, each percent-encoded threefold, stays below it.
constexpr std::uint64_t kListBytesMax = 8ULL << 20;

// What is listed may be deleted: a key that was not asked for must not come through.
void RequireBeneath(std::string_view prefix, const std::string& key, const ServiceCall& request) {
  if (key.starts_with(prefix)) return;
  throw base::Error(
      {.code = ErrorCode::kCorrupt,
       .operation = request.asked.operation,
       .subject = request.asked.subject,
       .message = "the list names an object outside of the prefix that was asked for",
       .remedy = "Check AWS_ENDPOINT_URL and any proxy on the way: S3 itself does not answer so."});
}

// By key, each once: S3 lists so, what only speaks its language may not.
std::vector<ObjectInfo> InOrder(std::vector<ObjectInfo> objects) {
  const auto before = [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; };
  const auto same = [](const ObjectInfo& a, const ObjectInfo& b) { return a.key == b.key; };
  if (!std::is_sorted(objects.begin(), objects.end(), before)) {
    std::stable_sort(objects.begin(), objects.end(), before);
  }
  objects.erase(std::unique(objects.begin(), objects.end(), same), objects.end());
  return objects;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Options options, CredentialProvider& credentials, http::Transport& transport,
          const base::Clock& clock)
      : bucket_(std::move(options.bucket)),
        credentials_(credentials),
        client_(Service::kS3, std::move(options.endpoint), transport, clock, options.retry),
        writes_(client_, bucket_, std::move(options.kms_key_arn), credentials),
        reads_(client_, bucket_, credentials, options.reads_max) {}

  std::vector<ObjectInfo> List(std::string_view prefix, const base::Call& call) override;
  std::optional<ObjectInfo> Head(std::string_view key, const base::Call& call) override;
  std::optional<std::string> Get(std::string_view key, std::uint64_t bytes_max,
                                 const base::Call& call) override;
  PutResult Put(std::string_view key, std::string_view body, const base::Call& call) override {
    return writes_.Put(key, body, call);
  }
  bool PutIfAbsent(std::string_view key, std::string_view body, const base::Call& call) override {
    return writes_.PutIfAbsent(key, body, call);
  }
  void PutFile(const std::filesystem::path& file, std::string_view key,
               const base::Call& call) override {
    writes_.PutFile(file, key, call);
  }
  void CopyFrom(const CopySource& source, std::string_view key, const base::Call& call) override {
    writes_.CopyFrom(source, key, call);
  }
  std::vector<DeleteFailure> Delete(const std::vector<std::string>& keys,
                                    const base::Call& call) override;
  std::vector<MultipartUpload> ListUploads(std::string_view prefix,
                                           const base::Call& call) override;
  void AbortUpload(const MultipartUpload& upload, const base::Call& call) override;
  void StartRead(RangeRead read, const base::Call& call) override {
    reads_.Start(std::move(read), call);
  }
  void StartHead(HeadRead read, const base::Call& call) override {
    reads_.StartHead(std::move(read), call);
  }
  std::string BucketRegion(const base::Call& call) override;

 private:
  ObjectCheck CheckBody(std::string_view key, const http::Response& response,
                        const ObjectDigest& told, const base::Call& call);
  ServiceCall OnBucket(std::string operation, std::string action) const;
  ServiceCall OnObject(std::string operation, std::string action, std::string_view key) const;
  std::vector<DeleteFailure> DeleteSome(std::span<const std::string> keys, const base::Call& call);
  // Calls until the reply can be read by `read`, and returns what that gives.
  template <typename Read>
  auto SendAndRead(const ServiceCall& request, const base::Call& call, Read read);
  base::Error MissingBucket(const ServiceCall& request) const;
  bool SendFindingIt(const ServiceCall& request, const base::Call& call, http::Response& found);

  const std::string bucket_;
  CredentialProvider& credentials_;
  const ServiceClient client_;
  const S3Writes writes_;  // after client_, which these two use
  S3Reads reads_;
};

ServiceCall S3Store::OnBucket(std::string operation, std::string action) const {
  ServiceCall call =
      BucketCall(client_.endpoint(), bucket_, std::move(operation), std::move(action));
  call.body_bytes_max = kListBytesMax;
  return call;
}

ServiceCall S3Store::OnObject(std::string operation, std::string action,
                              std::string_view key) const {
  return ObjectCall(client_.endpoint(), bucket_, key, std::move(operation), std::move(action));
}

template <typename Read>
auto S3Store::SendAndRead(const ServiceCall& request, const base::Call& call, Read read) {
  return SendForDocument(client_, credentials_, request, call, read);
}

// False on a 404 that names the object; a missing bucket is an error.
bool S3Store::SendFindingIt(const ServiceCall& request, const base::Call& call,
                            http::Response& found) {
  client_.Send(request, credentials_, call, [&](const http::Response& response) {
    found = response;
    return response.ok() ||
           (response.status == 404 && ReadFailure(Service::kS3, response).code != "NoSuchBucket");
  });
  return found.ok();
}

std::vector<ObjectInfo> S3Store::List(std::string_view prefix, const base::Call& call) {
  ServiceCall request = OnBucket("ListObjectsV2", "s3:ListBucket");
  std::vector<ObjectInfo> objects;
  PageGuard guard("ListObjectsV2", "s3://" + bucket_ + "/" + std::string(prefix));
  for (std::string token;;) {
    request.query = {{"list-type", "2"}, {"prefix", std::string(prefix)}, {"encoding-type", "url"}};
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    ObjectPage page = SendAndRead(request, call, ReadObjectPage);
    for (const ObjectInfo& object : page.objects) RequireBeneath(prefix, object.key, request);
    std::move(page.objects.begin(), page.objects.end(), std::back_inserter(objects));
    if (page.next.empty()) return InOrder(std::move(objects));
    guard.Next(page.objects.size(), page.next);
    token = std::move(page.next);
  }
}

std::optional<ObjectInfo> S3Store::Head(std::string_view key, const base::Call& call) {
  ServiceCall request = OnObject("HeadObject", "s3:GetObject", key);
  request.method = "HEAD";
  request.headers = {{"x-amz-checksum-mode", "ENABLED"}};
  http::Response response;
  if (!SendFindingIt(request, call, response)) return std::nullopt;
  ObjectInfo info{.key = std::string(key)};
  const std::string* length = response.Find("content-length");
  const std::string* modified = response.Find("last-modified");
  const std::string* etag = response.Find("etag");
  const auto time = ParseHttpDate(modified == nullptr ? "" : *modified);
  if (length == nullptr || !time ||
      std::from_chars(length->data(), length->data() + length->size(), info.bytes).ec !=
          std::errc()) {
    throw client_.Unreadable(request, response);
  }
  info.etag = etag == nullptr ? "" : *etag;
  info.last_modified = *time;
  info.digest = std::make_shared<const ObjectDigest>(ReadDigest(response));
  return info;
}

std::optional<std::string> S3Store::Get(std::string_view key, std::uint64_t bytes_max,
                                        const base::Call& call) {
  ServiceCall request = OnObject("GetObject", "s3:GetObject", key);
  request.headers = {{"x-amz-checksum-mode", "ENABLED"}};
  request.body_bytes_max =
      std::max<std::uint64_t>(bytes_max, 64 << 10);  // Room for an error's text.
  for (bool again = false;; again = true) {
    http::Response response;
    if (!SendFindingIt(request, call, response)) return std::nullopt;
    if (response.body.size() > bytes_max) {
      throw base::Error({.code = ErrorCode::kCorrupt,
                         .operation = request.asked.operation,
                         .subject = request.asked.subject,
                         .message = "the object is longer than it may be",
                         .remedy = "Nothing else may write below the staging prefix. Run again."});
    }
    const ObjectDigest told = ReadDigest(response);
    const ObjectCheck check = CheckBody(key, response, told, call);
    if (check.verdict != Verdict::kDiffers) return std::move(response.body);
    if (again) {
      throw DamagedError(request.asked.operation, request.asked.subject, told, check.received);
    }
  }
}

ObjectCheck S3Store::CheckBody(std::string_view key, const http::Response& response,
                               const ObjectDigest& told, const base::Call& call) {
  const std::string* etag = response.Find("etag");
  const std::string& body = response.body;
  return CheckObject(
      *this, {.key = std::string(key), .bytes = body.size(), .etag = etag == nullptr ? "" : *etag},
      told,
      [&](DigestCheck& check) { check.Add(std::as_bytes(std::span(body.data(), body.size()))); },
      call);
}

std::vector<DeleteFailure> S3Store::DeleteSome(std::span<const std::string> keys,
                                               const base::Call& call) {
  ServiceCall request = OnBucket("DeleteObjects", "s3:DeleteObject");
  request.asked.resource += "/*";
  request.method = "POST";
  request.query = {{"delete", ""}};
  request.body = DeleteBody(keys);
  request.headers = {{"Content-MD5", Md5Base64(request.body)}, {"Content-Type", "application/xml"}};
  return SendAndRead(request, call, ReadDeleteResult);
}

std::vector<DeleteFailure> S3Store::Delete(const std::vector<std::string>& keys,
                                           const base::Call& call) {
  std::vector<DeleteFailure> failures;
  for (std::size_t at = 0; at < keys.size(); at += kDeleteMax) {
    const std::size_t count = std::min(kDeleteMax, keys.size() - at);
    auto refused = DeleteSome(std::span(keys).subspan(at, count), call);
    std::move(refused.begin(), refused.end(), std::back_inserter(failures));
  }
  return failures;
}

std::vector<MultipartUpload> S3Store::ListUploads(std::string_view prefix, const base::Call& call) {
  ServiceCall request = OnBucket("ListMultipartUploads", "s3:ListBucketMultipartUploads");
  std::vector<MultipartUpload> uploads;
  PageGuard guard("ListMultipartUploads", "s3://" + bucket_ + "/" + std::string(prefix));
  std::string key;
  std::string id;
  for (;;) {
    request.query = {{"uploads", ""}, {"prefix", std::string(prefix)}, {"encoding-type", "url"}};
    if (!key.empty()) request.query.emplace_back("key-marker", key);
    if (!key.empty() && !id.empty()) request.query.emplace_back("upload-id-marker", id);
    UploadPage page = SendAndRead(request, call, ReadUploadPage);
    for (const MultipartUpload& upload : page.uploads) RequireBeneath(prefix, upload.key, request);
    const std::size_t count = page.uploads.size();
    std::move(page.uploads.begin(), page.uploads.end(), std::back_inserter(uploads));
    if (!page.truncated) return uploads;
    guard.Next(count, page.next_key + '\n' + page.next_upload_id);
    key = std::move(page.next_key);
    id = std::move(page.next_upload_id);
  }
}

void S3Store::AbortUpload(const MultipartUpload& upload, const base::Call& call) {
  ServiceCall request = OnObject("AbortMultipartUpload", "s3:AbortMultipartUpload", upload.key);
  request.method = "DELETE";
  request.query = {{"uploadId", upload.upload_id}};
  for (int i = 0; i < kAbortsMax; ++i) {
    http::Response response;
    if (!SendFindingIt(request, call, response)) return;  // 404 NoSuchUpload: it is gone.
    const auto left = ListUploads(upload.key, call);
    const bool gone = std::none_of(left.begin(), left.end(), [&](const MultipartUpload& u) {
      return u.upload_id == upload.upload_id;
    });
    if (gone) return;
    if (!client_.clock().Sleep(kAbortPause, call.stop)) {
      base::ThrowCancelled(request.asked.operation, request.asked.subject);
    }
  }
  throw base::Error({.code = ErrorCode::kUnavailable,
                     .operation = request.asked.operation,
                     .subject = request.asked.subject,
                     .message = "the upload is still listed after it was aborted several times",
                     .remedy = "A part of it may still be arriving: the next sync removes it.",
                     .retryable = true});
}

base::Error S3Store::MissingBucket(const ServiceCall& request) const {
  Asked asked = request.asked;
  asked.region = client_.endpoint().region;
  return ToError({.status = 404, .code = "NoSuchBucket"}, asked, client_.clock().Utc(), {});
}

std::string S3Store::BucketRegion(const base::Call& call) {
  ServiceCall request = OnBucket("HeadBucket", "s3:ListBucket");
  request.method = "HEAD";
  std::string region;
  client_.Send(request, credentials_, call, [&](const http::Response& response) {
    const std::string* named = response.Find("x-amz-bucket-region");
    // A HEAD has no body, but a bucket is all it can have missed.
    if (response.status == 404) throw MissingBucket(request);
    if (named == nullptr) return false;
    region = *named;
    return true;
  });
  return region;
}

}  // namespace

std::unique_ptr<ObjectStore> MakeS3Store(S3Options options, CredentialProvider& credentials,
                                         http::Transport& transport, const base::Clock& clock) {
  return std::make_unique<S3Store>(std::move(options), credentials, transport, clock);
}

}  // namespace sluice::aws
