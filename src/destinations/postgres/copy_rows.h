// From a query over parts into a table, over one COPY per session: DuckDB decodes ahead on its
// threads, each session's thread takes chunks as it can, turns them into bytes and sends them.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "columnar/database.h"
#include "destinations/postgres/row_encoder.h"
#include "destinations/postgres/session.h"

namespace sluice::destinations::postgres {

struct CopyInput {
  columnar::Connection& decoder;
  // The next SELECT over the parts; nullopt after the last. Called by one thread at a time.
  std::function<std::optional<std::string>()> next_select;
  std::string copy;  // "COPY ... FROM STDIN (FORMAT binary)"
  const RowEncoder& encoder;
  Task task;
};

// Rows of all sessions together. Throws the first failure, after every session has given up its
// COPY. `parts_failed`: it was DuckDB's, so the parts may be the reason.
// REQUIRES: at least one session; all of them idle, used by nobody else meanwhile.
std::uint64_t CopyRows(const CopyInput& input, std::span<Session* const> sessions,
                       const base::Call& call, bool& parts_failed);

}  // namespace sluice::destinations::postgres
