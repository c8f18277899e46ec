// When a snapshot was taken, by the server's own clock. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace sluice::redshift {

// One row, for ReadServerTime: when the transaction began, in UTC, as the session's zone is.
// https://docs.aws.amazon.com/redshift/latest/dg/r_SYSDATE.html
std::string BuildServerTime();

// nullopt: not a time as the server spells it ("2026-01-31 12:00:00.123456").
std::optional<base::UtcTime> ReadServerTime(const std::vector<std::optional<std::string>>& row);

}  // namespace sluice::redshift
