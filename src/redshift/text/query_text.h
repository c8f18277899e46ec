// SQL of the configuration: that a query is one SELECT, which changes nothing, and that a condition
// is one expression. Read as Redshift
// reads it, not as a whole grammar: literals, names, comments, brackets, and the words that decide.
// What stands in brackets of ours must not close them: `SELECT 1) AS x; CREATE TABLE t (i int);
// SELECT * FROM (SELECT 2` made a table at the source, by `sluice check` already.
// Pure; any thread. https://docs.aws.amazon.com/redshift/latest/dg/r_SELECT_synopsis.html
#pragma once
#include <string>
#include <string_view>
#include <variant>

namespace sluice::redshift {

// Where a query is not one SELECT, and why. No text of the query is in it but its own SQL words.
struct QueryProblem {
  int line = 0;         // within the query, from 1
  int column = 0;       // in characters, from 1
  std::string problem;  // "holds a second statement, which begins with CREATE"; reads on from `sql`
  std::string remedy;
};

// The SELECT alone: without comments, which become blanks, and without semicolons behind it. So no
// server can read the end of a comment elsewhere than we do; read again, it stays the same.
// A problem: no SELECT (or WITH ... SELECT), something behind it, SELECT INTO, a WITH that changes
// data, brackets that do not match, a literal, name or comment without its end, a parameter ($1),
// a NUL or bytes that are no UTF-8.
std::variant<std::string, QueryProblem> ReadQuery(std::string_view sql);

// One boolean expression, to stand in brackets behind WHERE: without comments, for the same reason;
// read again, it stays the same. A subquery in brackets may be part of it.
// A problem: none (empty, or a whole query), a second statement, a clause behind it (ORDER BY,
// LIMIT, UNION, ...), brackets that do not match, a list, and what ReadQuery refuses of any text.
std::variant<std::string, QueryProblem> ReadCondition(std::string_view sql);

}  // namespace sluice::redshift
