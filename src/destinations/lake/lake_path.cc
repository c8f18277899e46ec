#include "destinations/lake/lake_path.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace sluice::destinations::lake {
namespace {

constexpr std::size_t kComponentMax = 250;  // file systems take 255
constexpr std::size_t kVersionDigits = 20;
constexpr std::string_view kCommitEnd = ".json";

constexpr std::string_view kDataEnd = ".parquet";
constexpr std::string_view kLoadName = "ddddddddTddddddZ-hhhhhhhhhhhhhhhh";

// `form`: d is a digit, h a hexadecimal one, all else itself.
bool HasForm(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    const bool fits = form[i] == 'd'   ? digit
                      : form[i] == 'h' ? digit || (c >= 'a' && c <= 'f')
                                       : c == form[i];
    if (!fits) return false;
  }
  return true;
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::string Component(std::string_view what, std::string_view name) {
  std::string encoded = EncodeName(name);
  if (!encoded.empty() && encoded.size() <= kComponentMax) return encoded;
  throw base::Error(
      {.code = base::ErrorCode::kUnsupported,
       .operation = "name files",
       .subject = fmt::format("{} {}", what, name),
       .message = fmt::format("as part of a path it would have {} bytes; 1 to {} are possible",
                              encoded.size(), kComponentMax),
       .remedy = "Sync it by a query stream with a shorter name, or set destination.schema."});
}

}  // namespace

std::string EncodeName(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool hides = i == 0 && (c == '_' || c == '.');
    if (IsPlain(c) && !hides) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string TablePath(const model::TableName& table) {
  return Component("schema", table.schema) + "/" + Component("table", table.table);
}

std::string StreamPath(std::string_view stream) {
  return "_sluice/streams/" + Component("stream", stream) + ".json";
}

std::string CommitName(std::uint64_t version) {
  return fmt::format("{:020}{}", version, kCommitEnd);
}

std::optional<std::uint64_t> VersionOf(std::string_view name) {
  if (name.size() != kVersionDigits + kCommitEnd.size() || !name.ends_with(kCommitEnd)) {
    return std::nullopt;
  }
  std::uint64_t version = 0;
  const char* end = name.data() + kVersionDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, version);
  if (error != std::errc() || stop != end || version == 0) return std::nullopt;
  return version;
}

std::string LoadName(base::UtcTime began, std::uint64_t load) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:016x}", std::chrono::floor<std::chrono::seconds>(began),
                     load);
}

std::string DataName(std::string_view load, int number) {
  return fmt::format("{}-{}.parquet", load, number);
}

std::optional<std::string> LoadOf(std::string_view data_name) {
  if (data_name.size() <= kLoadName.size() || !data_name.ends_with(kDataEnd)) return std::nullopt;
  const std::string_view load = data_name.substr(0, kLoadName.size());
  std::string_view number = data_name.substr(kLoadName.size());
  number.remove_suffix(kDataEnd.size());
  const bool numbered = number.size() > 1 && number.front() == '-' &&
                        number.find_first_not_of("0123456789", 1) == std::string_view::npos;
  return numbered && HasForm(load, kLoadName) ? std::optional(std::string(load)) : std::nullopt;
}

std::string RecordName(std::string_view load) {
  return std::string(load) + std::string(kCommitEnd);
}

std::optional<std::string> LoadOfRecord(std::string_view record_name) {
  if (!record_name.ends_with(kCommitEnd)) return std::nullopt;
  record_name.remove_suffix(kCommitEnd.size());
  return HasForm(record_name, kLoadName) ? std::optional(std::string(record_name)) : std::nullopt;
}

std::string HiddenName(std::uint64_t random) { return fmt::format(".new-{:016x}", random); }

bool IsHiddenName(std::string_view name) { return HasForm(name, ".new-hhhhhhhhhhhhhhhh"); }

}  // namespace sluice::destinations::lake
