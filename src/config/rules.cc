#include "config/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/characters.h"
#include "config/showable.h"
#include "schedule/cron.h"
#include "schedule/time_zone.h"

namespace sluice::config {
namespace {

// https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html; letters of other scripts are
// allowed there and not here.
bool IsTagCharacter(char c) { return IsAlnum(c) || IsOneOf(c, " _.:/=+-@"); }

Broken NoBucket(std::string_view why) {
  return {fmt::format("is not a bucket's name: {}", why),
          "Write the bucket's name alone, for example acme-sluice-staging."};
}

Broken NoRoot(std::string_view why) {
  return {fmt::format("cannot be a staging root: {}", why),
          "Use letters, digits, '-', '_', '.' and '=' between slashes, for example root: sluice/"};
}

// One folder of the staging root; Redshift's readers take '_' and '.' at its start as hidden.
std::optional<Broken> CheckRootFolder(std::string_view folder) {
  if (folder.empty()) return NoRoot("it holds an empty folder name");
  if (folder.front() == '_' || folder.front() == '.') {
    return NoRoot("a folder name begins with '_' or '.', which Redshift hides");
  }
  if (!All(folder, [](char c) { return IsAlnum(c) || IsOneOf(c, "-_.="); })) {
    return NoRoot("it holds a character that may not stand there");
  }
  return std::nullopt;
}

Broken NoTable(std::string_view why) {
  return {fmt::format("is not schema.table: {}", why),
          "Write schema and table, for example table: sales.orders. A name that holds a dot\n"
          "needs double quotes inside single ones: table: 'sales.\"orders.v2\"'"};
}

// A shared database may take no log-ins, so that redshift.database cannot name it; a query can.
// https://docs.aws.amazon.com/redshift/latest/dg/datashare-overview.html
Broken ThreeParts(std::string_view value) {
  const std::string name = IsShowable(value, Form::kTable) ? std::string(value) : "db.schema.table";
  return {
      "is not schema.table: it has more than two parts",
      fmt::format("Is the first part redshift.database? Then leave it out: table: schema.table\n"
                  "A table of another database, a datashare's for example, is read by a query:\n"
                  "  - name: {}\n    sql: SELECT * FROM {}",
                  name.substr(name.find('.') + 1), name)};
}

// Takes one name, quoted or not, off the front of `rest`. False if there is none.
bool TakeName(std::string_view& rest, std::string& name) {
  if (!rest.starts_with('"')) {
    const auto end = rest.find('.');
    name = rest.substr(0, end);
    rest.remove_prefix(name.size());
    return name.find('"') == std::string::npos;
  }
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '"') {
      name += c;
    } else if (rest.starts_with('"')) {
      name += '"';
      rest.remove_prefix(1);
    } else {
      return true;
    }
  }
  return false;
}

// Bytes of the UTF-8 sequence that begins with `lead`; 0 if none does.
std::size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

// Overlong forms, surrogates and what lies above U+10FFFF, which the lead byte alone cannot tell.
bool IsRefusedPair(unsigned char lead, unsigned char second) {
  return (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
         (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
}

}  // namespace

std::optional<Broken> CheckName(std::string_view value) {
  if (value.size() <= 63 && !value.empty() && IsAlnum(value.front()) &&
      All(value, [](char c) { return IsAlnum(c) || IsOneOf(c, "-_"); })) {
    return std::nullopt;
  }
  return Broken{"is not a name",
                "Use 1 to 63 letters, digits, '-' and '_', beginning with a letter or digit."};
}

std::optional<Broken> CheckWorkgroup(std::string_view value) {
  if (value.size() >= 3 && value.size() <= 64 &&
      All(value, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; })) {
    return std::nullopt;
  }
  return Broken{"is not a workgroup's name",
                "Write the name that the Redshift Serverless console shows: 3 to 64 lower-case "
                "letters,\ndigits and '-'. It is the host's first label, unless a custom name "
                "stands there."};
}

std::optional<Broken> CheckDatabase(std::string_view value) {
  if (value.size() <= 64 && !value.empty() && IsAlpha(value.front()) &&
      All(value, [](char c) { return IsAlnum(c) || IsOneOf(c, "_+.@-"); })) {
    return std::nullopt;
  }
  return Broken{"is not a database's name",
                "Write up to 64 letters, digits and _ + . @ -, beginning with a letter; a new "
                "workgroup has dev."};
}

std::optional<Broken> CheckHost(std::string_view value) {
  if (!value.empty() && value.size() <= 2048 &&
      All(value, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7F; })) {
    return std::nullopt;
  }
  return Broken{"is not a host",
                "Copy the endpoint from the workgroup's page in the console:\n"
                "<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com"};
}

std::optional<Broken> CheckRegion(std::string_view value) {
  const bool letters = All(value, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
  // us-east-1, us-gov-west-1: at least two hyphens, digits behind the last, letters in front.
  const auto last = value.rfind('-');
  if (letters && value.size() <= 32 && value.size() > 6 && IsLower(value[0]) && IsLower(value[1]) &&
      std::count(value.begin(), value.end(), '-') >= 2 &&
      value.find("--") == std::string_view::npos && last + 1 < value.size() &&
      All(value.substr(last + 1), IsDigit)) {
    return std::nullopt;
  }
  return Broken{"is not an AWS region", "Write its code, for example us-east-1 or eu-central-1."};
}

std::optional<Broken> CheckBucket(std::string_view value) {
  if (value.find("://") != std::string_view::npos || value.find('/') != std::string_view::npos ||
      value.starts_with("arn:")) {
    return NoBucket("it is an address, an ARN or a path");
  }
  if (value.size() < 3 || value.size() > 63) return NoBucket("it must have 3 to 63 characters");
  if (!All(value, [](char c) { return IsLower(c) || IsDigit(c) || IsOneOf(c, "-."); })) {
    return NoBucket("only lower-case letters, digits, '-' and '.' may stand in it");
  }
  if (IsOneOf(value.front(), "-.") || IsOneOf(value.back(), "-.") ||
      value.find("..") != std::string_view::npos) {
    return NoBucket("it must begin and end with a letter or digit, without '..'");
  }
  if (All(value, [](char c) { return IsDigit(c) || c == '.'; }) &&
      std::count(value.begin(), value.end(), '.') == 3) {
    return NoBucket("it looks like an IP address");
  }
  if (value.ends_with("-s3alias") || value.ends_with("--ol-s3")) {
    return NoBucket("it is an access point's alias, which UNLOAD refuses");
  }
  return std::nullopt;
}

std::optional<Broken> CheckRoot(std::string_view value) {
  if (value.empty() || value == "/") {
    return NoRoot("it is empty, and Sluice never works at a bucket's top");
  }
  if (value.size() > 512) return NoRoot("it is longer than 512 characters");
  if (value.ends_with('/')) value.remove_suffix(1);
  for (;;) {
    const auto slash = value.find('/');
    if (auto broken = CheckRootFolder(value.substr(0, slash))) return broken;
    if (slash == std::string_view::npos) return std::nullopt;
    value.remove_prefix(slash + 1);
  }
}

std::optional<Broken> CheckRoleArn(std::string_view value) {
  const Broken broken{"is not the ARN of an IAM role",
                      "Copy it from the role's page: arn:aws:iam::123456789012:role/sluice-reader"};
  if (value.size() > 2048 || !value.starts_with("arn:aws")) return broken;
  const auto service = value.find(":iam::");
  if (service == std::string_view::npos) return broken;
  if (!All(value.substr(4, service - 4), [](char c) { return IsLower(c) || c == '-'; })) {
    return broken;
  }
  std::string_view rest = value.substr(service + 6);
  if (rest.size() < 12 || !All(rest.substr(0, 12), IsDigit)) return broken;
  rest.remove_prefix(12);
  if (!rest.starts_with(":role/")) return broken;
  rest.remove_prefix(6);
  const bool good = !rest.empty() && !rest.ends_with('/') &&
                    All(rest, [](char c) { return IsAlnum(c) || IsOneOf(c, "_+=,.@-/"); });
  return good ? std::nullopt : std::optional(broken);
}

std::optional<Broken> CheckExternalId(std::string_view value) {
  if (value.size() >= 2 && value.size() <= 1224 &&
      All(value, [](char c) { return IsAlnum(c) || IsOneOf(c, "_+=,.@:/-"); })) {
    return std::nullopt;
  }
  return Broken{"is not an external ID",
                "Use 2 to 1224 letters, digits and _ + = , . @ : / -, as in the role's trust "
                "policy."};
}

std::optional<Broken> CheckSessionName(std::string_view value) {
  if (value.size() >= 2 && value.size() <= 64 &&
      All(value, [](char c) { return IsAlnum(c) || IsOneOf(c, "_+=,.@-"); })) {
    return std::nullopt;
  }
  return Broken{"is not the name of a session",
                "Use 2 to 64 letters, digits and _ + = , . @ -; it shows up in CloudTrail."};
}

std::optional<Broken> CheckTagKey(std::string_view value) {
  if (!value.empty() && value.size() <= 128 && All(value, IsTagCharacter)) return std::nullopt;
  return Broken{"is not the key of a tag",
                "Use 1 to 128 letters, digits, blanks and _ . : / = + - @"};
}

std::optional<Broken> CheckTagValue(std::string_view value) {
  if (value.size() <= 256 && All(value, IsTagCharacter)) return std::nullopt;
  return Broken{"is not the value of a tag",
                "Use at most 256 letters, digits, blanks and _ . : / = + - @"};
}

std::optional<Broken> CheckKmsKey(std::string_view value) {
  if (value == "auto") return std::nullopt;
  const auto service = value.find(":kms:");
  if (value.starts_with("arn:aws") && service != std::string_view::npos &&
      value.find(":key/", service) != std::string_view::npos && value.size() <= 2048 &&
      All(value, [](char c) { return IsAlnum(c) || IsOneOf(c, ":/-_"); })) {
    return std::nullopt;
  }
  return Broken{"is neither auto nor the ARN of a KMS key",
                "Write auto for the bucket's own key, or "
                "arn:aws:kms:us-east-1:123456789012:key/<key id>; no alias."};
}

std::optional<Broken> CheckUnloadRole(std::string_view value) {
  if (value == "default") return std::nullopt;
  for (std::string_view rest = value;;) {
    const auto comma = rest.find(',');
    if (CheckRoleArn(rest.substr(0, comma))) break;
    if (comma == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
  return Broken{"is neither default nor the ARN of a role, or of roles with commas between them",
                "Write the role attached to the namespace: "
                "arn:aws:iam::123456789012:role/redshift-unload"};
}

bool LooksLikeAccessKeyId(std::string_view value) {
  return value.size() >= 16 && value.size() <= 32 &&
         (value.starts_with("AKIA") || value.starts_with("ASIA")) &&
         All(value, [](char c) { return IsDigit(c) || (c >= 'A' && c <= 'Z'); });
}

std::optional<Broken> CheckServer(std::string_view value) {
  if (value.find('@') != std::string_view::npos || value.find("://") != std::string_view::npos) {
    return Broken{"is an address with more in it than a host",
                  "Write each part in its own field: host: db.acme.com, port: 5432, user: sluice, "
                  "database: ...,\npassword: \"${NAME}\""};
  }
  const bool socket = value.starts_with('/');
  if (!socket && value.find('/') != std::string_view::npos) {
    return Broken{"holds a database's name or a path", "Write the host alone: host: db.acme.com"};
  }
  // One colon is a port's; an address of IPv6 has more.
  if (!socket && std::count(value.begin(), value.end(), ':') == 1) {
    return Broken{"has a port behind it",
                  "Write it in its own field: host: db.acme.com, port: 5432"};
  }
  if (value.size() > 255 || value.empty() || !IsPlainUtf8(value) ||
      value.find_first_of(" \t\r\n,;=") != std::string_view::npos) {
    return Broken{"is not a host", "Name the server, or the folder of its socket."};
  }
  return std::nullopt;
}

std::optional<Broken> CheckAccessKeyId(std::string_view value) {
  if (HoldsKeyMaterial(value) && !LooksLikeAccessKeyId(value)) {
    return Broken{"looks like a secret, not like an access key ID; it is not shown here",
                  "Are the two keys swapped? The ID has 20 capital letters and digits and begins "
                  "with AKIA or ASIA,\nthe secret has 40 signs."};
  }
  if (value.size() >= 16 && value.size() <= 128 &&
      All(value, [](char c) { return IsAlnum(c) || c == '_'; })) {
    return std::nullopt;
  }
  return Broken{"is not an access key ID",
                "It has 16 to 128 letters and digits and begins with AKIA or ASIA."};
}

std::optional<Broken> CheckUrl(std::string_view value) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size() &&
        value.find_first_of(" ?#@") == std::string_view::npos) {
      return std::nullopt;
    }
  }
  return Broken{"is not an address", "Write it with its scheme: https://s3.example.com:8443"};
}

std::optional<Broken> CheckSchedule(std::string_view value) {
  const auto parsed = schedule::Cron::Parse(value);
  const auto* problem = std::get_if<schedule::CronProblem>(&parsed);
  if (problem == nullptr) return std::nullopt;
  return Broken{problem->problem, problem->remedy};
}

std::optional<Broken> CheckTimeZone(std::string_view value) {
  if (schedule::LoadTimeZone(value)) return std::nullopt;
  return Broken{
      "is no time zone of this system",
      "Write it as in Europe/Berlin or America/New_York. If it is right, the system lacks "
      "its data: install tzdata."};
}

std::optional<double> ParsePrice(std::string_view value) {
  constexpr double kPriceMax = 1'000'000;
  double price = 0;
  const char* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, price, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !(price > 0 && price < kPriceMax)) return std::nullopt;
  return price;
}

std::optional<Broken> CheckPrice(std::string_view value) {
  if (ParsePrice(value)) return std::nullopt;
  return Broken{"is not a price", "Write a number, for example 0.375."};
}

bool IsHttpElsewhere(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return false;
  std::string_view host = url.substr(kScheme.size());
  host = host.substr(0, host.find('/'));
  if (host.starts_with("[::1]")) return false;
  host = host.substr(0, host.find(':'));
  return host != "localhost" && !host.ends_with(".localhost") &&
         !(host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
           host.find_first_not_of("0123456789.") == std::string_view::npos);
}

std::optional<Broken> CheckIdentifier(std::string_view value) {
  if (!value.empty() && value.size() <= 127 && IsPlainUtf8(value) &&
      value.find_first_of("\t\r\n") == std::string_view::npos) {
    return std::nullopt;
  }
  return Broken{"is not a name", "Names have 1 to 127 bytes and no control characters."};
}

std::variant<model::TableName, Broken> ParseTable(std::string_view value) {
  // Single quotes around the whole are YAML's, of a text that was quoted once more than needed; a
  // name that begins with one stands in double quotes.
  std::string bare;
  if (value.size() > 2 && value.starts_with('\'') && value.ends_with('\'')) {
    for (std::size_t i = 1; i + 1 < value.size(); ++i) {
      if (value[i] == '\'' && value[i + 1] == '\'' && i + 2 < value.size()) ++i;
      bare += value[i];
    }
    value = bare;
  }
  model::TableName name;
  std::string_view rest = value;
  if (!TakeName(rest, name.schema)) return NoTable("a double quote is not closed");
  if (!rest.starts_with('.')) return NoTable("the schema is missing");
  rest.remove_prefix(1);
  if (!TakeName(rest, name.table)) return NoTable("a double quote is not closed");
  if (!rest.empty()) return ThreeParts(value);
  for (const std::string* part : {&name.schema, &name.table}) {
    if (CheckIdentifier(*part)) return NoTable("each name has 1 to 127 bytes");
  }
  return name;
}

std::optional<Broken> CheckTable(std::string_view value) {
  const auto parsed = ParseTable(value);
  const auto* broken = std::get_if<Broken>(&parsed);
  return broken == nullptr ? std::nullopt : std::optional(*broken);
}

std::optional<std::chrono::seconds> ParseDuration(std::string_view value) {
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || number < 0 || rest + 1 != end) return std::nullopt;
  std::int64_t unit = 0;
  switch (*rest) {
    case 's': unit = 1; break;
    case 'm': unit = 60; break;
    case 'h': unit = 3600; break;
    case 'd': unit = 86400; break;
    default: return std::nullopt;
  }
  constexpr std::int64_t kTenYears = 10LL * 366 * 86400;
  if (number > kTenYears / unit) return std::nullopt;
  return std::chrono::seconds(number * unit);
}

bool IsPlainUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = SequenceLength(lead);
    if (length == 0 || i + length > text.size()) return false;
    if (length == 1 && lead < ' ' && !IsOneOf(text[i], "\t\r\n")) return false;
    for (std::size_t j = 1; j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xC0U) != 0x80U || (j == 1 && IsRefusedPair(lead, next))) return false;
    }
    i += length;
  }
  return true;
}

}  // namespace sluice::config
