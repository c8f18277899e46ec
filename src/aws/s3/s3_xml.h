// The XML of S3, both ways. Pure; any thread. Replies come from outside: a reader answers nullopt
// if the text is cut, malformed, or not the document that was asked for.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3/object_store.h"

namespace sluice::aws {

struct ObjectPage {
  std::vector<ObjectInfo> objects;
  std::string next;  // NextContinuationToken; empty on the last page
};
// ListBucketResult of list-type=2. Keys are percent-decoded if the reply says EncodingType url.
std::optional<ObjectPage> ReadObjectPage(std::string_view text);

struct UploadPage {
  std::vector<MultipartUpload> uploads;
  bool truncated = false;
  std::string next_key;        // key-marker and
  std::string next_upload_id;  // upload-id-marker of the next page
};
std::optional<UploadPage> ReadUploadPage(std::string_view text);

// Body of a multi-delete. Quiet: only failures come back.
std::string DeleteBody(std::span<const std::string> keys);
std::optional<std::vector<DeleteFailure>> ReadDeleteResult(std::string_view text);

}  // namespace sluice::aws
