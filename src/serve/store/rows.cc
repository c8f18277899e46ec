#include "serve/store/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "serve/base/problem.h"

namespace sluice::serve {
namespace {

constexpr int kPageMax = 500;
constexpr std::size_t kShownMax = 40;

// An id is what a caller sent: only what looks like one is repeated.
std::string Shown(std::string_view id) {
  const bool plain =
      !id.empty() && id.size() <= kShownMax && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
      });
  return plain ? fmt::format(" {}", id) : "";
}

}  // namespace

std::optional<base::UtcTime> OptionalMs(const sqlite::Statement& row, int column) {
  const auto ms = row.OptionalNumber(column);
  return ms ? std::optional(FromMs(*ms)) : std::nullopt;
}

Json StoredJson(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return json;
  throw base::Error({.code = base::ErrorCode::kCorrupt,
                     .operation = "read the database",
                     .subject = "service.db",
                     .message = "a value in it is damaged",
                     .remedy = "Restore it from a backup (docs/SERVE.md)."});
}

Json StoredJsonOrNull(const std::optional<std::string>& text) {
  return text ? StoredJson(*text) : Json(nullptr);
}

std::optional<Schedule> ScheduleIn(const std::optional<std::string>& text) {
  Resource pipeline{.kind = Kind::kPipeline};
  pipeline.fields["schedule"] = StoredJsonOrNull(text);
  return ScheduleOf(pipeline);
}

std::string ToStored(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> ToStoredOrNull(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(ToStored(json));
}

void ThrowNotFound(std::string_view kind, std::string_view id) {
  throw base::Error({.code = base::ErrorCode::kNotFound,
                     .operation = fmt::format("find {}", kind),
                     .subject = fmt::format("{}{}", kind, Shown(id)),
                     .message = fmt::format("there is no such {}", kind),
                     .remedy = "Check the id, and whose it is."});
}

void ThrowTaken(std::string_view kind, std::string_view field) {
  throw Refused(kind, {{std::string(field), fmt::format("is that of another {}", kind),
                        "Choose another one."}});
}

void ThrowChanged(std::string_view kind, std::string_view id) {
  throw base::Error({.code = base::ErrorCode::kConflict,
                     .operation = fmt::format("change {}", kind),
                     .subject = fmt::format("{}{}", kind, Shown(id)),
                     .message = "somebody else changed it meanwhile",
                     .remedy = "Read it again (its ETag is new), and make the change once more.",
                     .reason = std::string(kReasonChanged)});
}

base::Error InUse(std::string_view kind, std::string_view id, std::string message,
                  std::string remedy) {
  return base::Error({.code = base::ErrorCode::kConflict,
                      .operation = fmt::format("delete {}", kind),
                      .subject = fmt::format("{}{}", kind, Shown(id)),
                      .message = std::move(message),
                      .remedy = std::move(remedy),
                      .reason = std::string(kReasonInUse)});
}

std::int64_t CursorOf(const PageRequest& page, bool newest_first) {
  if (page.cursor.empty()) return newest_first ? std::numeric_limits<std::int64_t>::max() : 0;
  const auto number = base::ParseNumber<std::int64_t>(page.cursor);
  if (number && *number >= 0) return *number;
  throw Refused("list", {{"cursor", "is none that an answer gave",
                          "Send next_cursor of the page before, or leave it out."}});
}

int LimitOf(const PageRequest& page) { return std::clamp(page.limit, 1, kPageMax); }

}  // namespace sluice::serve
