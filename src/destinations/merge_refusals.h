// What a merge refuses, worded once for all destinations: the numbers are theirs, the verdict and
// its remedy are not. Pure; any thread. All throw base::Error, with operation "merge" where no
// other is named.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

// The stream has no primary key, or key, cursor or soft-delete column is not among its columns.
// kUnsupported, operation "prepare table".
void RequireMergeColumns(const model::StreamTarget& target);
// `nulls`: how many of `what` ("rows") have no value in each column of the key. kUnsupported.
void RefuseNullsInKey(const model::StreamTarget& target, std::span<const std::uint64_t> nulls,
                      std::string_view what);
// `keys` values of the key came in `among` of `rows` rows, more than once each; 0: none did.
// kConflict, unless one of them may win: in an incomplete merge, or where the target allows it.
void RefuseDuplicateKeys(const model::StreamTarget& target, std::uint64_t keys, std::uint64_t among,
                         std::uint64_t rows);
// `keys` of those that came stand more than once at the destination; 0: none does. kConflict.
void RefuseRepeatedThere(const model::StreamTarget& target, std::uint64_t keys);
// More of the table's `rows_before` would go than the stream allows. kConflict.
void RefuseShareOfDeletes(const model::StreamTarget& target, const model::Counts& counts,
                          std::uint64_t rows_before);
// The counts of `rows` that came do not add up, or not to how the table's own changed. kCorrupt.
[[noreturn]] void ThrowCountsDisagree(const model::StreamTarget& target,
                                      const model::Counts& counts, std::uint64_t rows,
                                      std::optional<std::uint64_t> rows_before,
                                      std::optional<std::uint64_t> rows_after);

}  // namespace sluice::destinations
