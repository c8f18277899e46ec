// What a value must look like, field by field. Pure; any thread.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "model/types.h"

namespace sluice::config {

struct Broken {
  std::string problem;  // reads on from the value: "is not a bucket's name: ...". Never repeats it
  std::string remedy;
};

// nullopt: the value is good.
using Rule = std::optional<Broken> (*)(std::string_view value);

// What only whoever takes a host apart knows (redshift/endpoint.h, which this room does not use).
struct HostRules {
  // nullptr: CheckHost alone.
  Rule check = nullptr;
  // The port that a good host says.
  std::optional<int> (*port)(std::string_view host) = nullptr;
};

// Part of staging prefixes and file names.
std::optional<Broken> CheckName(std::string_view value);
// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
std::optional<Broken> CheckWorkgroup(std::string_view value);
std::optional<Broken> CheckDatabase(std::string_view value);
// Plainly; HostRules tell the rest.
std::optional<Broken> CheckHost(std::string_view value);
std::optional<Broken> CheckRegion(std::string_view value);
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; access point
// aliases are refused because UNLOAD refuses them.
std::optional<Broken> CheckBucket(std::string_view value);
// As staging/prefix.h asks; the last '/' may be missing.
std::optional<Broken> CheckRoot(std::string_view value);
std::optional<Broken> CheckRoleArn(std::string_view value);
std::optional<Broken> CheckExternalId(std::string_view value);
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
std::optional<Broken> CheckSessionName(std::string_view value);
// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
std::optional<Broken> CheckTagKey(std::string_view value);
std::optional<Broken> CheckTagValue(std::string_view value);
// "auto" or the ARN of a key.
std::optional<Broken> CheckKmsKey(std::string_view value);
// "default", or ARNs of roles with commas between them.
std::optional<Broken> CheckUnloadRole(std::string_view value);
std::optional<Broken> CheckAccessKeyId(std::string_view value);
// It is written where a secret belongs: 20 capitals and digits from AKIA or ASIA on.
bool LooksLikeAccessKeyId(std::string_view value);
// Of a database server: a name or an address, or the folder of a socket.
std::optional<Broken> CheckServer(std::string_view value);
std::optional<Broken> CheckUrl(std::string_view value);
// As schedule/cron.h reads it.
std::optional<Broken> CheckSchedule(std::string_view value);
// One that this system's database has.
std::optional<Broken> CheckTimeZone(std::string_view value);
// A number above 0 and below a million, with a decimal point or without: "0.375".
std::optional<double> ParsePrice(std::string_view value);
std::optional<Broken> CheckPrice(std::string_view value);
// http:// to another machine than this one.
bool IsHttpElsewhere(std::string_view url);
// Of a stream, a column, a schema: 1 to 127 bytes without control characters.
std::optional<Broken> CheckIdentifier(std::string_view value);

// `sales.orders`, `sales."orders.v2"`, `"a""b".c`. Names are kept as written.
std::variant<model::TableName, Broken> ParseTable(std::string_view value);
std::optional<Broken> CheckTable(std::string_view value);
// "90s", "5m", "24h", "2d"; nullopt if it is none or above ten years.
std::optional<std::chrono::seconds> ParseDuration(std::string_view value);

// Valid UTF-8 without control characters other than tab and line ends.
bool IsPlainUtf8(std::string_view text);

}  // namespace sluice::config
