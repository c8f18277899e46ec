#include "destinations/lake/lake_path.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace sluice::destinations {
namespace {

constexpr std::size_t kComponentMax = 250;  // file systems take 255
constexpr std::size_t kVersionDigits = 20;
constexpr std::string_view kCommitEnd = ".json";

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

std::string DataName(base::UtcTime began, std::uint64_t load, int number) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}-{:016x}-{}.parquet",
                     std::chrono::floor<std::chrono::seconds>(began), load, number);
}

}  // namespace sluice::destinations
