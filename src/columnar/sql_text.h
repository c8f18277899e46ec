// Text of DuckDB SQL: names, literals, paths. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::columnar {

// "a""b": exactly this name, whatever is in it. Throws kUnsupported for a NUL, which no name may
// hold.
std::string QuoteName(std::string_view name);

// 'it''s': DuckDB knows no backslash escapes in plain literals. Throws kUnsupported for a NUL.
std::string QuoteText(std::string_view text);

// A path that read_parquet takes as it is: `*`, `?` and `[` in it would otherwise be a pattern, and
// a folder named by a person may hold them.
std::string EscapeGlob(std::string_view path);

// The name as DuckDB compares names: ASCII letters fold, all else counts as it is
// (duckdb StringUtil::CIEquals).
std::string FoldName(std::string_view name);

}  // namespace sluice::columnar
