// The columns that a stream's configuration names: its key, cursor, split and soft-delete column,
// among those that it brings. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace sluice::redshift {

// The one called `name`, in that very spelling. `field` is where the configuration names it:
// "cursor", "primary_key", "split.column", "deletes.column", "rename", "cast", "hash", "mask".
// Throws kNotFound (reason "no_stream_column"): the remedy holds the nearest name, or how to add it
// to a selection that lacks it, or what there is.
const model::Column& StreamColumn(const model::Stream& stream,
                                  const std::vector<model::Column>& columns,
                                  const std::string& name, std::string_view field);

// A name as it stands in YAML: quoted if it would be read as something else.
std::string YamlName(std::string_view name);
// "[a, b]"
std::string YamlNames(const std::vector<std::string>& names);

}  // namespace sluice::redshift
