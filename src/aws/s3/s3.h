// S3, as object_store.h asks for it, over the shared transport.
// https://docs.aws.amazon.com/AmazonS3/latest/API/
#pragma once
#include <memory>
#include <string>

#include "aws/endpoints.h"
#include "aws/s3/object_store.h"
#include "aws/session_keys.h"
#include "base/clock.h"
#include "base/retry.h"
#include "http/transport.h"

namespace sluice::aws {

struct S3Options {
  std::string bucket;
  Endpoint endpoint;  // S3Endpoint(region, bucket, overrides)
  // Ranged reads under way at one time. Two fewer than the transport's connections, so that a list
  // or a renewal of keys does not wait behind them.
  int reads_max = 14;
  // SSE-KMS of what Put writes: a key's ARN. Empty: the bucket's default encryption decides, also
  // where UNLOAD is told ENCRYPTED AUTO: asking for KMS without a key would mean another key.
  std::string kms_key_arn;
  base::RetryOptions retry;
};

// Every request is signed when it is sent, with keys that then live for another minute; a reply
// whose body is already streaming is not cut by their expiry. A read that fails and is retryable
// goes on behind the last byte handed over; its retry budget refills when bytes advanced. Errors
// beyond object_store.h's: kConflict (412: the object changed since it was listed), kCorrupt (416
// or another length: the object is shorter than asked for). REQUIRES: `credentials`, `transport`
// and `clock` outlive it. The destructor ends reads with kCancelled and waits for their callbacks.
std::unique_ptr<ObjectStore> MakeS3Store(S3Options options, CredentialProvider& credentials,
                                         http::Transport& transport, const base::Clock& clock);

}  // namespace sluice::aws
