// What rows of service.db have in common. For the files of this room.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "serve/base/json.h"
#include "serve/store/store.h"
#include "sqlite/sqlite.h"

namespace sluice::serve {

inline std::int64_t ToMs(base::UtcTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
inline std::optional<std::int64_t> ToMs(const std::optional<base::UtcTime>& time) {
  return time ? std::optional(ToMs(*time)) : std::nullopt;
}
inline base::UtcTime FromMs(std::int64_t ms) {
  return base::UtcTime(std::chrono::milliseconds(ms));
}
std::optional<base::UtcTime> OptionalMs(const sqlite::Statement& row, int column);

// Throws kCorrupt if it is none.
Json StoredJson(const std::string& text);
Json StoredJsonOrNull(const std::optional<std::string>& text);
// Of `fields ->> '$.schedule'` of a pipeline: its streams need not be read for it.
std::optional<Schedule> ScheduleIn(const std::optional<std::string>& text);
std::string ToStored(const Json& json);
std::optional<std::string> ToStoredOrNull(const Json& json);  // nullopt: null

[[noreturn]] void ThrowNotFound(std::string_view kind, std::string_view id);
// A name that another one has.
[[noreturn]] void ThrowTaken(std::string_view kind, std::string_view field);
[[noreturn]] void ThrowChanged(std::string_view kind, std::string_view id);
base::Error InUse(std::string_view kind, std::string_view id, std::string message,
                  std::string remedy);

// The `number` behind which a page begins; `newest_first`: before which. Throws Refused for what no
// answer gave.
std::int64_t CursorOf(const PageRequest& page, bool newest_first);
int LimitOf(const PageRequest& page);

// Drops the item that was read beyond the limit. `numbers`: of the items.
template <typename T>
void EndPage(Page<T>& page, const std::vector<std::int64_t>& numbers, int limit) {
  if (page.items.size() <= static_cast<std::size_t>(limit)) return;
  page.items.resize(static_cast<std::size_t>(limit));
  page.next_cursor = std::to_string(numbers[static_cast<std::size_t>(limit) - 1]);
}

}  // namespace sluice::serve
