#include "serve/base/resource_fields.h"

#include <array>

namespace sluice::serve {
namespace {

constexpr auto kAws = std::to_array<FieldForm>({
    {"endpoint_url"},
    {"endpoint_url_s3"},
    {"endpoint_url_sts"},
    {"endpoint_url_redshift_serverless"},
    {"endpoint_url_redshift"},
    {"allow_http", Form::kBool},
    {"use_fips", Form::kBool},
    {"use_dualstack", Form::kBool},
});

constexpr auto kAdvanced = std::to_array<FieldForm>({
    {"external_id"},
    {"session_name"},
    {"duration"},
    {"session_tags", Form::kTextMap},
    {"allow_keys_in_unload", Form::kBool},
    {"unload_role"},
    {"kms_key"},
    {"root"},
    {"login_api"},
    {"region"},
    {"aws", Form::kGroup, kAws},
});

constexpr auto kSource = std::to_array<FieldForm>({
    {"workgroup"},
    {"host"},
    {"port", Form::kInteger},
    {"database"},
    {"username"},
    {"bucket"},
    {"bucket_region"},
    {"role_arn"},
    {"access_key_id"},
    {"secret_access_key", Form::kSecret},
    {"session_token", Form::kSecret},
    {"source"},
    {"advanced", Form::kGroup, kAdvanced},
});

constexpr auto kDestination = std::to_array<FieldForm>({
    {"type"},
    {"path"},
    {"schema"},
    {"host"},
    {"port", Form::kInteger},
    {"database"},
    {"user"},
    {"password", Form::kSecret},
    {"sslmode"},
    {"connections", Form::kInteger},
    {"region"},
    {"endpoint_url"},
    {"access_key_id"},
    {"secret_access_key", Form::kSecret},
    {"session_token", Form::kSecret},
    {"keep_versions", Form::kInteger},
    {"keep_for"},
});

constexpr auto kSchedule = std::to_array<FieldForm>({
    {"cron"},
    {"time_zone"},
    {"jitter"},
    {"paused", Form::kBool},
});

constexpr auto kPipeline = std::to_array<FieldForm>({
    {"source"},
    {"destination"},
    {"connection"},
    {"defaults", Form::kObject},
    {"streams", Form::kObjects},
    {"streams_parallel", Form::kInteger},
    {"limits", Form::kObject},
    {"cost", Form::kObject},
    {"schedule", Form::kGroup, kSchedule},
});

constexpr auto kAlert = std::to_array<FieldForm>({
    {"kind"},
    {"url"},  // of kind slack a secret: read_resource.cc
    {"secret", Form::kSecret},
    {"to", Form::kTexts},
    {"smtp_url"},
    {"smtp_user"},
    {"smtp_password", Form::kSecret},
    {"from"},
    {"on", Form::kTexts},
    {"paused", Form::kBool},
});

// Narrowed keys stand in the text of an UNLOAD, which goes to the host; the token in every request.
constexpr auto kSourceKeys = std::to_array<std::string_view>(
    {"access_key_id", "host", "port", "advanced.aws", "advanced.allow_keys_in_unload"});
constexpr auto kPassword = std::to_array<std::string_view>({"type", "host", "port", "sslmode"});
constexpr auto kLakeKeys =
    std::to_array<std::string_view>({"type", "access_key_id", "endpoint_url"});
constexpr auto kMail = std::to_array<std::string_view>({"kind", "smtp_url"});
constexpr auto kSigned = std::to_array<std::string_view>({"kind"});

constexpr auto kSourceGuards =
    std::to_array<Guard>({{"secret_access_key", kSourceKeys}, {"session_token", kSourceKeys}});
constexpr auto kDestinationGuards = std::to_array<Guard>(
    {{"password", kPassword}, {"secret_access_key", kLakeKeys}, {"session_token", kLakeKeys}});
constexpr auto kAlertGuards =
    std::to_array<Guard>({{"smtp_password", kMail}, {"secret", kSigned}, {"url", kSigned}});

}  // namespace

std::span<const FieldForm> FieldsOf(Kind kind) {
  switch (kind) {
    case Kind::kSource: return kSource;
    case Kind::kDestination: return kDestination;
    case Kind::kPipeline: return kPipeline;
    case Kind::kAlert: return kAlert;
  }
  return kSource;
}

std::span<const Guard> GuardsOf(Kind kind) {
  switch (kind) {
    case Kind::kSource: return kSourceGuards;
    case Kind::kDestination: return kDestinationGuards;
    case Kind::kPipeline: return {};
    case Kind::kAlert: return kAlertGuards;
  }
  return {};
}

std::string StreamKey(const Json& stream) {
  for (const char* name : {"name", "table", "tables"}) {
    const auto at = stream.find(name);
    if (at == stream.end() || at->is_null()) continue;
    if (at->is_string()) return at->get<std::string>();
    return at->dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return {};
}

Json* HashOf(Json& fields, std::string_view path) {
  constexpr std::string_view kEnd = ".hash.salt";
  constexpr std::string_view kStreams = "streams.";
  if (!path.ends_with(kEnd)) return nullptr;
  path.remove_suffix(kEnd.size());
  const auto hash_in = [](Json& owner) -> Json* {
    const auto hash = owner.find("hash");
    return hash == owner.end() || !hash->is_object() ? nullptr : &*hash;
  };
  if (path == "defaults") {
    const auto defaults = fields.find("defaults");
    return defaults == fields.end() || !defaults->is_object() ? nullptr : hash_in(*defaults);
  }
  const auto streams = fields.find("streams");
  if (!path.starts_with(kStreams) || streams == fields.end()) return nullptr;
  path.remove_prefix(kStreams.size());
  for (Json& stream : *streams) {
    if (stream.is_object() && StreamKey(stream) == path) return hash_in(stream);
  }
  return nullptr;
}

}  // namespace sluice::serve
