// Points in time as AWS writes them. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sluice::aws {

// "20260101T000000Z": X-Amz-Date.
std::string FormatAmzDate(base::UtcTime time);
// "2026-01-01T01:00:00Z", with or without a fraction of a second; "+00:00" for "Z" too.
std::optional<base::UtcTime> ParseIsoTime(std::string_view text);
// "Thu, 01 Jan 2026 00:00:00 GMT": Date and Last-Modified headers.
std::optional<base::UtcTime> ParseHttpDate(std::string_view text);
// 1767229200.25: epoch seconds as the JSON services send them; beyond what can be told, the
// furthest time that can.
base::UtcTime FromEpochSeconds(double seconds);

}  // namespace sluice::aws
