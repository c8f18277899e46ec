// Text of PostgreSQL's SQL: names and literals. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "model/types.h"

namespace sluice::destinations::postgres {

// The server cuts longer names without a word: NAMEDATALEN - 1 of every build that is distributed.
inline constexpr std::size_t kNameBytesMax = 63;

// "a""b": exactly this name. Throws kUnsupported for an empty or too long one, or one with a NUL.
std::string QuoteName(std::string_view name);
// "\"sales\".\"orders\"".
std::string QuoteTable(const model::TableName& table);

// 'it''s'. REQUIRES: standard_conforming_strings is on, as Session sets it. Throws kUnsupported for
// a NUL.
std::string QuoteText(std::string_view text);

}  // namespace sluice::destinations::postgres
