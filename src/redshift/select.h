// The SELECT of a stream, level 1: what stands inside UNLOAD ('...') before it is escaped.
// Pure; any thread. Every column is named: SELECT * shrinks silently under column grants, and the
// parts are mapped to the schema by position.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "model/stream.h"

namespace sluice::redshift {

// Of a stream's query where it is selected from: what tells a query apart from a table in a
// statement.
inline constexpr char kStreamAlias[] = "\"sluice_stream\"";

// SELECT <expr> AS "alias", ... FROM "schema"."table", or FROM (<sql>) AS
// "sluice_stream" (<names>). `columns` are those of DescribeStream, all and in its order.
// Throws kInvalidConfig (no column, or a stream with neither or both of table and sql),
// kUnsupported (HLLSKETCH: it cannot be written as Parquet; the message names the column).
// `condition`, if not empty, stands behind WHERE and speaks of the stream's own columns.
// Of a stream with a shape (shape.h), `columns` are those of ColumnsRead, and it is selected from a
// derived table; its columns are called as they land. The salt of hashes is not in it: this text is
// to be shown, or for an empty answer.
std::string BuildSelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                        std::string_view condition = "");
// The same with the salt, to be run.
base::Secret BuildSelectToRun(const model::Stream& stream,
                              const std::vector<model::Column>& columns,
                              std::string_view condition);

// Whether some of the source's columns are chosen, by `columns` or by leaving others out.
bool ChoosesByName(const model::Stream& stream);

// The table, or the query as a derived one, whose columns have the names of `columns`; of a stream
// with a shape, that with the columns called `needed` alone. REQUIRES: none of them is hashed.
std::string FromClause(const model::Stream& stream, const std::vector<model::Column>& columns,
                       const std::vector<std::string>& needed);

// With all of them; a hash in it is of another salt, of the same size.
std::string FromClause(const model::Stream& stream, const std::vector<model::Column>& columns);

// Of all rows the columns `keys` alone. REQUIRES: `keys` is not empty. Throws kNotFound
// for a key that is not among `columns`, and as BuildSelect.
std::string BuildKeySelect(const model::Stream& stream, const std::vector<model::Column>& columns,
                           const std::vector<std::string>& keys);
// The same with the salt, to be run.
base::Secret BuildKeySelectToRun(const model::Stream& stream,
                                 const std::vector<model::Column>& columns,
                                 const std::vector<std::string>& keys);

// A query as a derived table, "(<sql>) AS "sluice_stream"": lets LIMIT pass, which UNLOAD refuses
// outermost. What stands in the brackets is one SELECT, without comments, that cannot close them.
// Throws kInvalidConfig, with the place, for what ReadQuery (text/query_text.h) refuses; `subject`:
// of that error.
std::string AsDerivedTable(std::string_view sql, std::string_view subject = "sql");

}  // namespace sluice::redshift
