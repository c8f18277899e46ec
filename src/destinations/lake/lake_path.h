// Where things lie in a lake, as docs/LAKE.md says. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/types.h"

namespace sluice::destinations::lake {

// The name as one path component, so that no two names become one, not even where case does not
// count.
std::string EncodeName(std::string_view name);

// Below the lake's root, without a '/' at the end. Throws kUnsupported for a name that is empty or,
// encoded, longer than a file may be called.
std::string TablePath(const model::TableName& table);
std::string StreamPath(std::string_view stream);  // "_sluice/streams/sales.orders.json"

std::string CommitName(std::uint64_t version);  // "00000000000000000001.json"
// nullopt: no commit file's name.
std::optional<std::uint64_t> VersionOf(std::string_view name);

// "20260101T000000Z-00000000000000ab": one load. Its files are called so and "-1.parquet", ...
std::string LoadName(base::UtcTime began, std::uint64_t load);
std::string DataName(std::string_view load, int number);
// The load of a data file of that form; nullopt: the name is not ours.
std::optional<std::string> LoadOf(std::string_view data_name);
// "20260101T000000Z-00000000000000ab.json": says that the load may have written data files.
std::string RecordName(std::string_view load);
std::optional<std::string> LoadOfRecord(std::string_view record_name);
// ".new-0123456789abcdef": a file in a folder before it has its name.
std::string HiddenName(std::uint64_t random);
bool IsHiddenName(std::string_view name);

}  // namespace sluice::destinations::lake
