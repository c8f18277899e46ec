// What tenants keep in the service: sources, destinations, pipelines, alerts. Each is a Resource:
// its plain fields as the API has them, and its secrets apart, so that nothing which writes the
// fields can write a secret. Values; pure; any thread.
//
// The fields (those that are secret are marked *, and come back as `NAME_set: true` alone):
//   source       workgroup host port database username bucket bucket_region role_arn access_key_id
//                secret_access_key* session_token* source advanced{ external_id session_name
//                duration session_tags allow_keys_in_unload unload_role kms_key root login_api
//                region aws{ endpoint_url endpoint_url_s3 endpoint_url_sts
//                endpoint_url_redshift_serverless endpoint_url_redshift allow_http use_fips
//                use_dualstack } }
//   destination  type, and the fields of the configuration's `destination`; password*
//                secret_access_key* session_token*
//   pipeline     source destination connection defaults streams streams_parallel limits cost
//                schedule{cron time_zone jitter paused}|null; hash.salt* of streams and defaults,
//                which come back as null
//   alert        kind on[] paused; webhook: url secret*; slack: url* (comes back as scheme and
//   host);
//                email: to[] from smtp_url smtp_user smtp_password*
// `name` and `id`, `tenant`, `version`, `created_at`, `updated_at` are every one's.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "serve/base/json.h"
#include "serve/base/problem.h"

namespace sluice::serve {

struct Tenant {
  std::string id;
  std::string name;
  base::UtcTime created_at;
  base::UtcTime updated_at;
  std::optional<int> parallel_runs;  // nullopt: the server's
  // What this tenant's roles must ask for (sts:ExternalId): made by the service, and sent with
  // every AssumeRole of theirs, so that no tenant can make the service assume another's role (the
  // "confused deputy"). https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
  std::string external_id;
  std::int64_t version = 1;
};
Json ToJson(const Tenant& tenant);

enum class Kind { kSource, kDestination, kPipeline, kAlert };
std::string_view KindName(Kind kind);  // "source": also an error's subject
std::string_view IdPrefix(Kind kind);

struct LastTest {
  base::UtcTime at;
  bool ok = false;
};

// Path of a secret's field within its resource: "secret_access_key", "defaults.hash.salt",
// "streams.sales.orders.hash.salt" (by the stream's name, as its place in the list may change).
using Secrets = std::map<std::string, base::Secret, std::less<>>;

struct Resource {
  Kind kind = Kind::kSource;
  std::string id;      // empty: not saved yet
  std::string tenant;  // id
  std::string name;
  Json fields = Json::object();  // without name and secrets
  Secrets secrets;
  std::int64_t version = 0;  // grows with every change; the ETag
  base::UtcTime created_at;
  base::UtcTime updated_at;
  std::optional<LastTest> last_test;
};

// As the API answers it; never a secret.
Json ToJson(const Resource& resource);

// What came over the API -> a Resource, secrets taken out of the fields. Form only: names of fields
// and kinds of values; compose.h judges what they say. `saved`: what a PUT replaces. Its secrets
// stay where the new body does not name them; null removes one (a salt's null keeps it); what is
// read only (`id`, `version`, `status`, `..._set`, ...) is ignored. A secret does not stay if a
// field changed that says where it goes: a new host never gets the old password, and the problem
// says to send it again. A webhook without a secret gets one: "whsec_...". Throws Refused.
Resource ReadResource(Kind kind, const Json& body, const Resource* saved = nullptr);

// Of a pipeline.
struct Schedule {
  std::string cron;
  std::string time_zone = "UTC";
  std::chrono::seconds jitter{0};
  bool paused = false;
};
std::string SourceOf(const Resource& pipeline);
std::string DestinationOf(const Resource& pipeline);
std::optional<Schedule> ScheduleOf(const Resource& pipeline);
// Part of the staging prefix and of what the destination keeps: `connection`, else made of the id.
std::string ConnectionOf(const Resource& pipeline);

// The value at "advanced.external_id" of the fields; empty if there is none, or it is no text.
std::string FieldText(const Resource& resource, std::string_view path);
// The same of any kind; null if there is none.
Json FieldAt(const Json& fields, std::string_view path);
const base::Secret* FindSecret(const Resource& resource, std::string_view path);

}  // namespace sluice::serve
