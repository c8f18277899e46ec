#include "aws/s3/s3_call.h"

namespace sluice::aws {
namespace {

std::string ArnOf(const Endpoint& endpoint, const std::string& path) {
  return "arn:" + std::string(PartitionOf(endpoint.region)) + ":s3:::" + path;
}

}  // namespace

ServiceCall BucketCall(const Endpoint& endpoint, const std::string& bucket, std::string operation,
                       std::string action) {
  return {.asked = {.operation = std::move(operation),
                    .subject = "bucket " + bucket,
                    .action = std::move(action),
                    .resource = ArnOf(endpoint, bucket)}};
}

ServiceCall ObjectCall(const Endpoint& endpoint, const std::string& bucket, std::string_view key,
                       std::string operation, std::string action) {
  const std::string path = bucket + "/" + std::string(key);
  return {.asked = {.operation = std::move(operation),
                    .subject = "s3://" + path,
                    .action = std::move(action),
                    .resource = ArnOf(endpoint, path)},
          .path = "/" + std::string(key)};
}

}  // namespace sluice::aws
