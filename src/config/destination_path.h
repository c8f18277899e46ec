// What may stand in `destination.path`, told by its form alone: nothing is looked at. Pure; any
// thread. The one place where such a path is understood: every command uses what this returns.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/references.h"
#include "config/rules.h"

namespace sluice::config {

// `~` and `~/...` are the home folder ($HOME), anything else relative is taken from the
// configuration's folder; lexically normal. An empty text, `~user`, and control characters are
// broken. No message repeats the text: an address may hold a password.
std::variant<std::filesystem::path, Broken> ResolvePath(std::string_view text,
                                                        const ReferenceSources& sources);

// nullopt: it may name a DuckDB file. Broken: an address (`md:`, `postgres:`, `s3://`, ...), a
// database in memory, a folder (it ends in '/'), or a name by which DuckDB would take the file for
// something else (`x.csv`, `x.parquet`, `x.csv.gz`).
std::optional<Broken> CheckDuckDbPath(std::string_view text);

// nullopt: it may name a lake's folder. `s3://` is not asked about here.
std::optional<Broken> CheckLakeFolder(std::string_view text);

// nullopt: the schema may be made at the destination. `type`: "duckdb", "postgres", "lake".
std::optional<Broken> CheckDestinationSchema(std::string_view type, std::string_view schema);

}  // namespace sluice::config
