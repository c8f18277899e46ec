// Goal: a query that is not one SELECT is refused before anybody is asked to run it, whatever the
// literals, names and comments hold; and what is harmless passes, without its comments.
#include "redshift/text/query_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace sluice::redshift {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Bare(std::string_view sql) {
  const auto read = ReadQuery(sql);
  if (const auto* text = std::get_if<std::string>(&read)) return *text;
  return "refused: " + std::get<QueryProblem>(read).problem;
}

QueryProblem Problem(std::string_view sql) {
  const auto read = ReadQuery(sql);
  if (const auto* problem = std::get_if<QueryProblem>(&read)) return *problem;
  return {.problem = "none: " + std::get<std::string>(read)};
}

TEST(ReadQuery, TakesOneSelect) {
  for (const std::string_view sql :
       {"SELECT 1", "select a, b from s.t where c = 'x;y)'", "WITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1", "((SELECT 1))", "SELECT a[0].b FROM t",
        "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n FROM x), y AS ((SELECT 2)) SELECT 3",
        "WITH \"a\"\"b\" AS (SELECT 1) SELECT * FROM \"a\"\"b\"",
        "SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) AS y",
        "SELECT max(update), \"into\", t.into, 1 AS into FROM t", "SELECT a FROM t LIMIT 5",
        "SELECT 'it''s', 'a\\'b', E'\\')', $$a) '; $$, $q$ $$ ) $q$, x$$y",
        "SELECT \"a;)\"\"b\" FROM t", "SELECT 'dé' AS é FROM straße"}) {
    EXPECT_EQ(Bare(sql), sql);
  }
}

TEST(ReadQuery, LeavesOutCommentsAndWhatEndsAStatement) {
  EXPECT_EQ(Bare("-- all of them\nSELECT 1"), "SELECT 1");
  EXPECT_EQ(Bare("/* a /* nested ; */ one ) */ SELECT 1"), "SELECT 1");
  EXPECT_EQ(Bare("SELECT 1;"), "SELECT 1");
  EXPECT_EQ(Bare("SELECT 1 ; ; -- the end"), "SELECT 1");
  EXPECT_EQ(Bare("SELECT 1 -- the end"), "SELECT 1");
  EXPECT_EQ(Bare("SELECT 1 /* the end */ ; \n"), "SELECT 1");
  EXPECT_EQ(Bare("SELECT a,-- first; (\n b/* 2nd */FROM t"), "SELECT a,\n b FROM t");
  EXPECT_EQ(Bare("SELECT '-- no', \"/* no\", $$ -- no $$ FROM t"),
            "SELECT '-- no', \"/* no\", $$ -- no $$ FROM t");
  EXPECT_EQ(Bare("SELECT 5 */* five */ 3"), "SELECT 5 *  3");
  EXPECT_EQ(Bare("SELECT 1 -- old Mac\r+ 1"), "SELECT 1 \r+ 1");
}

TEST(ReadQuery, IsTheSameReadTwice) {
  const std::string once = Bare("/* x */ SELECT a, -- y\n 'b' ; -- z");
  EXPECT_EQ(Bare(once), once);
}

struct Case {
  std::string_view sql;
  std::string_view problem;
  int line = 1;
  int column = 1;
};

TEST(ReadQuery, RefusesWhatIsNotOneSelectAndSaysWhere) {
  const Case cases[] = {
      {"", "is empty"},
      {" -- nothing\n", "is empty"},
      {";", "is empty"},
      {"SELECT 1 AS a) AS x; CREATE TABLE public.p (i int); SELECT * FROM (SELECT 2 AS b",
       "closing bracket", 1, 14},
      {"SELECT 1; DROP TABLE t", "second statement, which begins with DROP", 1, 11},
      {"SELECT 1\n;\n  select 2", "second statement, which begins with SELECT", 3, 3},
      {"SELECT 1; secret", "holds a second statement", 1, 11},
      {"SELECT (1", "bracket that is not closed", 1, 8},
      {"SELECT (1]", "closing bracket", 1, 10},
      {"SELECT a[1 FROM t", "bracket that is not closed", 1, 9},
      {"SELECT 1 UNION SELECT 2)", "closing bracket", 1, 24},
      {"SELECT (1; DROP TABLE t)", "bracket that is not closed", 1, 8},
      {"SELECT 'a", "literal that is not closed", 1, 8},
      {"SELECT 'a\\', 2", "literal that is not closed", 1, 8},
      {"SELECT \"a", "name in double quotes that is not closed", 1, 8},
      {"SELECT 1 /* /* */ ) AS x; DROP TABLE t", "comment that is not closed", 1, 10},
      {"SELECT $$a", "between dollar signs that is not closed", 1, 8},
      {"SELECT $1", "parameter", 1, 8},
      {"DELETE FROM t", "does not begin with SELECT or WITH but with DELETE"},
      {"EXPLAIN SELECT 1", "but with EXPLAIN"},
      {"VALUES (1)", "but with VALUES"},
      {"(DELETE FROM t)", "but with DELETE", 1, 2},
      {"hunter2", "does not begin with SELECT or WITH"},
      {"SELECT a INTO t2 FROM t", "makes a table", 1, 10},
      {"(SELECT a INTO t2 FROM t)", "makes a table", 1, 11},
      {"SELECT 1 UNION SELECT a into #t FROM t", "makes a table", 1, 25},
      {"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "is no SELECT|INSERT", 1, 22},
      {"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "no SELECT but DELETE", 1, 12},
      {"WITH x AS NOT MATERIALIZED (UPDATE t SET a = 1) SELECT 1", "no SELECT but UPDATE", 1, 29},
      {"SELECT * FROM (WITH x AS (INSERT INTO t VALUES (1)) SELECT 1) y", "but INSERT", 1, 27},
      {"WITH x (SELECT 1) SELECT 1", "WITH that cannot be read", 1, 19},
      {"WITH x", "WITH that cannot be read", 1, 7},
      {"(SELECT 1) AS a, (SELECT 2) AS b", "goes on behind", 1, 12},
      {"SELECT 'é', é)", "closing bracket", 1, 14},
      {std::string_view("SELECT 1\0", 9), "NUL", 1, 9},
      {"SELECT '\xff'", "UTF-8", 1, 9},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.sql);
    const auto problem = Problem(one.sql);
    const auto bar = one.problem.find('|');
    if (bar == std::string_view::npos) {
      EXPECT_THAT(problem.problem, HasSubstr(std::string(one.problem)));
    } else {
      EXPECT_THAT(problem.problem, HasSubstr(std::string(one.problem.substr(bar + 1))));
    }
    EXPECT_EQ(problem.line, one.line);
    EXPECT_EQ(problem.column, one.column);
    EXPECT_FALSE(problem.remedy.empty());
    EXPECT_THAT(problem.problem + problem.remedy,
                AllOf(Not(HasSubstr("secret")), Not(HasSubstr("hunter2"))));
  }
}

// Whatever is cut off or broken, a query that passes has balanced brackets and no semicolon.
TEST(ReadQuery, SurvivesBeingCutAnywhere) {
  const std::string sql =
      "WITH a AS (SELECT 'x\\'' || \"y\"\"\" /* c /* d */ */ FROM t -- e\n), b AS (SELECT $q$)$q$) "
      "SELECT * FROM (a JOIN b ON (1 = 1)) ; -- end";
  for (std::size_t size = 0; size <= sql.size(); ++size) {
    for (const auto& text : {sql.substr(0, size), sql.substr(size)}) {
      const auto read = ReadQuery(text);
      if (const auto* bare = std::get_if<std::string>(&read)) {
        EXPECT_EQ(Bare(*bare), *bare);
        EXPECT_FALSE(bare->ends_with(';'));
      }
    }
  }
}

std::string Condition(std::string_view sql) {
  const auto read = ReadCondition(sql);
  if (const auto* text = std::get_if<std::string>(&read)) return *text;
  return "refused: " + std::get<QueryProblem>(read).problem;
}

TEST(ReadCondition, TakesOneExpression) {
  for (const std::string_view sql :
       {"status <> 'draft'", "a = 1 AND (b IN (1, 2) OR c IS NOT NULL)", "deleted", "NOT deleted",
        "id IN (SELECT id FROM sales.vip WHERE since > '2020-01-01' ORDER BY 1 LIMIT 5)",
        "EXISTS (WITH x AS (SELECT 1) SELECT * FROM x)", "name LIKE 'a;b)--%'",
        "\"order\" = 1 AND t.\"limit\" > 2 AND t.group = 3", "comment IS NULL",
        "EXTRACT(year FROM made) > 2020", "a IS DISTINCT FROM b", "CAST(a AS varchar(3)) = 'x'",
        "made > SYSDATE - INTERVAL '1 day'", "größe > 5"}) {
    EXPECT_EQ(Condition(sql), sql);
  }
  EXPECT_EQ(Condition(" a = 1 -- only these\n AND b /* x */ = 2 "), "a = 1 \n AND b   = 2");
}

TEST(ReadCondition, RefusesWhatIsMoreThanThat) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a = 1; DROP TABLE t", "holds a second statement, which begins with DROP"},
      {"a = 1; secret", "holds a second statement"},
      {"a = 1;", "holds a semicolon"},
      {"", "is empty"},
      {"-- nothing", "is empty"},
      {"WHERE a = 1", "begins with the word WHERE"},
      {"SELECT 1", "is no condition but begins with SELECT"},
      {"a = 1) OR (1 = 1", "has a closing bracket to which no opening one belongs"},
      {"a = 1) UNION SELECT * FROM (SELECT 2", "has a closing bracket"},
      {"a = (1", "has a bracket that is not closed"},
      {"a = 'x", "has a literal that is not closed"},
      {"a = 1 ORDER BY a", "goes on with ORDER"},
      {"a = 1 UNION SELECT 2", "goes on with UNION"},
      {"a = 1 limit 5", "goes on with LIMIT"},
      {"a, b", "is a list"},
      {"a = $1", "has a parameter"},
      {"a IN (SELECT b INTO c FROM d)", "makes a table"},
      {"EXISTS (WITH x AS (DELETE FROM t) SELECT 1)", "holds a WITH that is no SELECT"},
      {std::string_view("a = 1\0", 6), "holds a NUL"}};
  for (const auto& [sql, problem] : cases) {
    EXPECT_THAT(Condition(sql), HasSubstr(problem)) << sql;
  }
  EXPECT_THAT(Condition("a = 1; hunter2"), Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace sluice::redshift
