// What the databases write differently. To add an engine: a Dialect, a Runner, and where the
// common statements are slow for it, a MergeText or a Merge that overrides them. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "destinations/schema_plan.h"
#include "destinations/sql/runner.h"
#include "model/types.h"

namespace sluice::destinations::sql {

class Dialect : public SchemaDialect {
 public:
  // The text that stands for `value` in the statement: a placeholder, for which the value is added
  // to `statement.values`, or a literal.
  virtual std::string Put(Statement& statement, Value value) const = 0;
  // The same of a moment, exact to the microsecond; nullopt: NULL.
  virtual std::string PutTime(Statement& statement, std::optional<base::UtcTime> time) const = 0;

  // The state table ("_sluice"."state").
  virtual std::string TextType() const = 0;
  virtual std::string CountType() const = 0;
  virtual std::string TimeType() const = 0;
  // What follows the type of its column `stream`: " PRIMARY KEY", " NOT NULL".
  virtual std::string StreamKey() const = 0;
  // A query of the names of its columns; no rows: there is no such table.
  virtual std::string StateColumnsText() const = 0;
  // The column of type TimeType as microseconds since 1970.
  virtual std::string Micros(const std::string& column) const = 0;

  // Merges. What names a row of a table, for as long as nobody else writes to it.
  virtual std::string RowId() const = 0;
  // Is true or false, never NULL: whether two values of that type differ in anything at all. To an
  // engine's own "=", NaN may equal nothing, and -0.0 equals 0.0.
  virtual std::string Differ(const std::string& mine, const std::string& theirs,
                             model::TypeKind kind) const = 0;
  // Terms of ORDER BY: the greatest value first, NULL last, and the same order everywhere.
  virtual std::vector<std::string> GreatestFirst(const std::string& value,
                                                 model::TypeKind kind) const = 0;
  // True, false or NULL: whether `mine` comes before `theirs` in the order of GreatestFirst.
  virtual std::string Before(const std::string& mine, const std::string& theirs,
                             model::TypeKind kind) const = 0;
  // A date or time with or without a zone as a TIMESTAMP in UTC; NULL: there is no such one.
  virtual std::string Moment(const std::string& value, model::TypeKind kind) const = 0;
  // "CREATE TEMP TABLE x AS": a table of one merge, in place of one of that name, if there can be.
  virtual std::string MakeActions(const std::string& table) const = 0;
  // The smallest integer type.
  virtual std::string ActionType() const = 0;
};

}  // namespace sluice::destinations::sql
