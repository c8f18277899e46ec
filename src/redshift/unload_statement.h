// Text of one UNLOAD: select + staging prefix + session keys -> SQL.
// Pure: no network, clock or globals; any thread may call it. We quote ourselves because the
// inner select is an old-style literal in which backslash escapes: doubling quotes alone makes
// a filter on 'a\b' match no rows, silently.
// https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "aws/session_keys.h"
#include "base/secret.h"

namespace sluice::redshift {

struct UnloadOptions {
  // Staging prefix of this attempt, "s3://bucket/root/run/stream/attempt/". REQUIRES: fresh,
  // and ends in '/', because the server tests it as a string: ".../1" also meets ".../10". Only
  // [A-Za-z0-9._=/-], no empty component, and none that starts with '_' or '.', which other readers
  // of S3 take as hidden.
  std::string staging_prefix;
  // Region of the bucket, not of the workgroup. Always sent: omitting it fails across regions.
  std::string bucket_region;
  // Largest part, MB, 5..6200; Parquet rounds it down to a multiple of 32. Small parts start
  // loading sooner and are cheaper to fetch again; large ones cost fewer requests.
  int part_mb_max = 256;
  // SSE-KMS: "auto" for the bucket's default key, else the key's ARN. nullopt: SSE-S3, which a
  // bucket policy that demands KMS refuses. The keys, or the role, must be allowed to use the key.
  std::optional<std::string> kms_key;
};

// A role attached to the namespace, or a chain of them, "arn1,arn2"; "default" is the namespace's
// default role. Instead of keys: nothing secret stands in the statement, and it cannot expire.
struct UnloadRole {
  std::string arns;
};

// Who writes to the bucket.
using UnloadAuth = std::variant<aws::SessionKeys, UnloadRole>;

// Returns the statement with any keys inside, hence Secret: give it to Session::Unload, nothing
// else. REQUIRES: keys stay valid until UNLOAD has finished, not merely started.
// Throws base::Error kInvalidConfig if an option breaks a rule above, naming the field; also if the
// select is empty, ends in ';', is no UTF-8 or holds a NUL, if keys hold what no AWS key holds, and
// if the statement exceeds 16 MB.
base::Secret BuildUnload(std::string_view select, const UnloadOptions& options,
                         const UnloadAuth& auth);

}  // namespace sluice::redshift
