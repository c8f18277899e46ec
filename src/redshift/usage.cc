#include "redshift/usage.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

// A day of minutes and one: the size is told as long as anything ran within it.
constexpr int kMinutesMax = 1441;

std::optional<double> NumberOf(const std::optional<std::string>& text) {
  if (!text || text->empty()) return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text->c_str(), &end);
  if (*end != '\0' || !std::isfinite(number) || number < 0) return std::nullopt;
  return number;
}

std::string TimeOf(base::UtcTime time) {
  return Literal(
      fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(std::chrono::system_clock::to_time_t(time))));
}

std::optional<QueryResult> Ask(Session& session, const std::string& sql, const base::Call& call) {
  try {
    return session.Query(sql, call);
  } catch (const base::Error& error) {
    using enum base::ErrorCode;
    const auto code = error.code();
    if (code == kUnreachable || code == kCancelled || code == kTimeout) throw;
    return std::nullopt;
  }
}

}  // namespace

std::optional<Usage> AskUsage(Session& session, base::UtcTime since, const base::Call& call) {
  const auto answer =
      Ask(session,
          fmt::format("SELECT compute_capacity, charged_seconds, end_time > {}"
                      " FROM sys_serverless_usage WHERE start_time > {}"
                      " ORDER BY start_time DESC LIMIT {}",
                      TimeOf(since), TimeOf(since - std::chrono::hours(24)), kMinutesMax),
          call);
  if (!answer || answer->rows.empty()) return std::nullopt;
  Usage usage;
  for (const auto& row : answer->rows) {
    if (row.size() != 3) return std::nullopt;
    const auto rpus = NumberOf(row[0]);
    if (!usage.rpus && rpus.value_or(0) > 0) usage.rpus = rpus;
    const auto charged = NumberOf(row[1]);
    if (row[2] == "t" && charged) {
      usage.charged_rpu_seconds = usage.charged_rpu_seconds.value_or(0) + *charged;
    }
  }
  return usage;
}

}  // namespace sluice::redshift
