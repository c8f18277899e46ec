#include "staging/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/error.h"

namespace sluice::staging {
namespace {
using nlohmann::json;

[[noreturn]] void Corrupt(std::string subject, std::string message, std::string reason = "") {
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "read manifest",
       .subject = std::move(subject),
       .message = std::move(message),
       .remedy = "Nothing was committed. Run the sync again; if it comes back, look for another "
                 "program or a lifecycle rule that changes objects below the staging root.",
       .reason = std::move(reason)});
}

const json& Member(const json& object, const char* name, const std::string& where) {
  const auto it = object.find(name);
  if (it == object.end()) Corrupt(where, fmt::format("member \"{}\" is missing", name));
  return *it;
}

std::uint64_t Number(const json& object, const char* name, const std::string& where) {
  const json& value = Member(object, name, where);
  if (!value.is_number_unsigned()) {
    Corrupt(where, fmt::format("member \"{}\" is not a number of at least 0", name));
  }
  return value.get<std::uint64_t>();
}

model::Part ParseEntry(const json& entry, const std::string& home, std::size_t bucket_part,
                       const std::string& where) {
  if (!entry.is_object()) Corrupt(where, "is not an object");
  const json& url = Member(entry, "url", where);
  if (!url.is_string()) Corrupt(where, "member \"url\" is not text");
  const auto& text = url.get_ref<const std::string&>();
  if (!text.starts_with(home) || text.size() == home.size()) {
    Corrupt(where, "points outside the prefix that was asked for");
  }
  const json& meta = Member(entry, "meta", where);
  if (!meta.is_object()) Corrupt(where, "member \"meta\" is not an object");
  return {.key = text.substr(bucket_part),
          .bytes = Number(meta, "content_length", where),
          .rows = Number(meta, "record_count", where)};
}

}  // namespace

Manifest ParseManifest(std::string_view text, std::string_view bucket, std::string_view prefix) {
  const std::string subject = fmt::format("s3://{}/{}manifest", bucket, prefix);
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) Corrupt(subject, "is not a JSON object");
  const json& entries = Member(root, "entries", subject);
  if (!entries.is_array() || entries.empty()) Corrupt(subject, "lists no entries");

  const std::string home = fmt::format("s3://{}/{}", bucket, prefix);
  const std::size_t bucket_part = std::string_view("s3://").size() + bucket.size() + 1;
  Manifest manifest;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string where = fmt::format("{} entry {}", subject, i + 1);
    model::Part part = ParseEntry(entries[i], home, bucket_part, where);
    if (!seen.insert(part.key).second) Corrupt(where, "is listed twice");
    manifest.rows += part.rows;
    manifest.bytes += part.bytes;
    manifest.parts.push_back(std::move(part));
  }
  const json& meta = Member(root, "meta", subject);
  if (!meta.is_object()) Corrupt(subject, "member \"meta\" is not an object");
  const auto rows = Number(meta, "record_count", subject);
  const auto bytes = Number(meta, "content_length", subject);
  if (rows != manifest.rows || bytes != manifest.bytes) {
    Corrupt(subject, fmt::format("says {} rows in {} bytes, its entries add up to {} in {}", rows,
                                 bytes, manifest.rows, manifest.bytes));
  }
  return manifest;
}

UnloadVerdict JudgeUnload(std::optional<std::uint64_t> notice_rows, const Manifest* manifest) {
  if (manifest == nullptr) {
    if (!notice_rows) return UnloadVerdict::kAskCount;
    if (*notice_rows == 0) return UnloadVerdict::kEmpty;
    Corrupt("UNLOAD",
            fmt::format("the server announced {} rows, but there is no manifest", *notice_rows),
            std::string(kVanished));
  }
  if (notice_rows && *notice_rows != manifest->rows) {
    Corrupt("UNLOAD", fmt::format("the server announced {} rows, the manifest lists {}",
                                  *notice_rows, manifest->rows));
  }
  return UnloadVerdict::kRows;
}

}  // namespace sluice::staging
