// JSON as the service keeps and answers it. Any thread.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sluice::serve {

// Keeps the order of the contract.
using Json = nlohmann::ordered_json;

// "2026-11-29T14:00:00Z": RFC 3339, whole seconds.
std::string TimeText(base::UtcTime time);
std::optional<base::UtcTime> ParseTime(std::string_view text);
Json TimeJson(const std::optional<base::UtcTime>& time);  // null: none

// null: there is none.
template <typename Value>
Json OrNull(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

inline constexpr std::size_t kJsonDepthMax = 32;
// Of text from outside: refuses comments, two equal keys in one object, more than kJsonDepthMax
// levels, what is not UTF-8. nullopt: it is no such JSON; `why` then says so, without repeating it.
std::optional<Json> ParseJson(std::string_view text, std::string& why);

}  // namespace sluice::serve
