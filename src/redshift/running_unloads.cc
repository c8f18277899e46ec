#include "redshift/running_unloads.h"

#include <fmt/format.h>

#include <charconv>

#include "redshift/quoting.h"

namespace sluice::redshift {
namespace {

// The session itself failed: that is not an answer.
bool BreaksOff(const base::Error& error) {
  using enum base::ErrorCode;
  return error.code() == kUnreachable || error.code() == kCancelled || error.code() == kTimeout;
}

std::string TrimEnd(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

std::optional<std::vector<RunningUnload>> ListRunningUnloads(Session& session,
                                                             std::string_view location,
                                                             const base::Call& call) {
  // LEFT, not LIKE: '_' stands in names.
  const std::string sql = fmt::format(
      "SELECT session_id, unloaded_location FROM sys_unload_history WHERE status = 'running' AND "
      "LEFT(unloaded_location, {}) = {}",
      location.size(), Literal(location));
  QueryResult answer;
  try {
    answer = session.Query(sql, call);
  } catch (const base::Error& error) {
    if (BreaksOff(error)) throw;
    return std::nullopt;
  }
  std::vector<RunningUnload> running;
  for (const auto& row : answer.rows) {
    if (row.size() != 2 || !row[0] || !row[1]) continue;
    RunningUnload unload{.location = TrimEnd(*row[1])};
    const char* end = row[0]->data() + row[0]->size();
    if (std::from_chars(row[0]->data(), end, unload.session_id).ptr != end) continue;
    running.push_back(std::move(unload));
  }
  return running;
}

bool CancelUnload(Session& session, const RunningUnload& unload, const base::Call& call) {
  try {
    session.Execute(fmt::format("CANCEL {}", unload.session_id), call);
    return true;
  } catch (const base::Error& error) {
    if (BreaksOff(error)) throw;
    return false;
  }
}

}  // namespace sluice::redshift
