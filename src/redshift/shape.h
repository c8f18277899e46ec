// A stream's shape as SQL: what its rules make of the columns that the source has. Everything that
// is asked about the stream (its rows, keys, greatest cursor, bounds) is asked of one derived
// table, so that a filter and a hidden value hold for all of it. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/stream.h"

namespace sluice::redshift {

// Whether the salt stands in a text, or "[salt]" in its place. A text with the salt is a secret,
// and is given to UNLOAD alone.
enum class Salt { kHidden, kRevealed };

// The stream with its rules applied to `columns`, those of DescribeStream (excluded ones are not
// among them). `source`: what _source says. A stream that changes nothing is returned as it is.
// Throws kNotFound (reason "no_stream_column") for a rule whose column is not there;
// kInvalidConfig (reason "shape") if two columns would have one name, if a key, a cursor or another
// column that decides about rows would be masked, hashed or cast so that it no longer does, if a
// salt is missing, or if nothing is left; kUnsupported (reason "shape") for a type that cannot be
// hashed or cast.
model::Stream ApplyShape(model::Stream stream, const std::vector<model::Column>& columns,
                         std::string_view source);

// As the stream reads them: names of the source, types of after the shape. REQUIRES: ApplyShape
// returned `stream`; `columns` are those that it was given.
std::vector<model::Column> ColumnsRead(const model::Stream& stream,
                                       const std::vector<model::Column>& columns);
// The same as they land: renamed.
std::vector<model::Column> ColumnsLanding(const model::Stream& stream,
                                          const std::vector<model::Column>& columns);
// What the column called `name` at the source is called at the destination.
std::string LandingName(const model::Stream& stream, const std::string& name);

// Rows or values are not as the source has them: the stream is read from a derived table.
bool IsDerived(const model::Shape& shape);

// "(SELECT ... FROM <from> WHERE (...)) AS "sluice_shape"", of the columns `names` (the source's
// names). REQUIRES: IsDerived.
std::string DerivedTable(const model::Shape& shape, std::string_view from,
                         const std::vector<model::Column>& columns, Salt salt);

// Text that digests are made of: which rows are taken, how values are hidden, and under which names
// the key of a merge lands. What a table holds already would not be of one kind with what comes if
// that changed. Empty: all rows, nothing hidden, the source's names. Holds the salt, hence Secret.
// REQUIRES: ApplyShape returned `stream`.
base::Secret ShapeText(const model::Stream& stream);

// A type as it stands in CAST.
std::string TypeSql(const model::Type& type);

// The value's text, as it would land: what is hashed, and what a cast to a text gives. nullopt for
// HLLSKETCH.
// - varchar as it is; char without the blanks at its end; boolean true and false
// - numbers, dates, timestamps as CAST(x AS VARCHAR) writes them
// - time, interval, binary and geometry as they are read anyway; SUPER as JSON
std::optional<std::string> TextOf(const model::Type& type, std::string_view identifier);

}  // namespace sluice::redshift
