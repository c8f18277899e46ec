// The fields that shape a stream: which columns and rows, under which names and types, and what is
// hidden. The same ones stand at a stream and in `defaults`.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/reader.h"
#include "model/shape.h"
#include "model/stream.h"

namespace sluice::config {

// As one place has them; nullopt: it says nothing about it.
struct ShapeFields {
  std::vector<std::string> columns;  // a selection; at a stream alone
  std::vector<model::ShapeRule> rules;
  std::optional<bool> snake_case;
  std::optional<std::string> where;
  std::optional<base::Secret> salt;
  std::optional<std::vector<std::string>> add;
};

// `everywhere`: they are of many tables (defaults, a pattern), so a rule whose column one of these
// lacks is no mistake. `takes_list`: `columns` may be a list of names.
ShapeFields ReadShape(Reading& reading, MapReader& map, bool everywhere, bool takes_list);

// Fills what the stream's own fields and the defaults say together, and tells what does not go
// together. REQUIRES: its key, cursor, deletes and split are read.
void SetShape(MapReader& map, ShapeFields own, const ShapeFields& defaults, model::Stream& stream);

// Of a type that columns can be cast to.
std::optional<Broken> CheckCastType(std::string_view value);
// Of a column that `add` can add.
std::optional<Broken> CheckAdded(std::string_view value);

}  // namespace sluice::config
