// Goal: of statements and server's texts only words of the language come through: no name, value or
// key, wherever somebody put it.
#include "report/masking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::report {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Case {
  const char* text;
  const char* shape;
};

const Case kStatements[] = {
    {R"(SELECT "id", "e mail" FROM "sales"."orders" WHERE TRUE LIMIT 0)",
     R"(SELECT "…", "…" FROM "…"."…" WHERE TRUE LIMIT 0)"},
    {R"(SELECT "a""b" FROM t)", R"(SELECT "…" FROM …)"},
    {"SELECT secret_column FROM hidden_table", "SELECT … FROM …"},
    {"SELECT 'it''s' || 'a\\'b', 4711, 12 FROM pg_class", "SELECT '…' || '…', 0, 12 FROM pg_class"},
    {"UNLOAD ('SELECT ''x''') TO 's3://b/p/' CREDENTIALS 'aws_secret=shh' FORMAT PARQUET",
     "UNLOAD ('…') TO '…' CREDENTIALS '…' FORMAT PARQUET"},
    {"UNLOAD ('s') TO 's3://b' ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'shh'",
     "UNLOAD ('…') TO '…' ACCESS_KEY_ID '…' SECRET_ACCESS_KEY '…'"},
    {"SELECT 1 -- shh\n FROM pg_class /* shh */ LIMIT 1", "SELECT 1   FROM pg_class  LIMIT 1"},
    {"SELECT $$shh$$ FROM pg_class", "SELECT …"},
    {"SELECT 'never closed shh", "SELECT '…'"},
    {"SELECT \"never closed shh", "SELECT \"…\""},
    {"SELECT /* never closed shh", "SELECT "},
    {"SELECT gehälter, 1e5 FROM x", "SELECT …, … FROM …"},
};

TEST(StatementShape, HidesWhatIsNotOfTheLanguage) {
  for (const Case& one : kStatements) {
    EXPECT_EQ(StatementShape(one.text, Names::kHidden), one.shape) << one.text;
  }
}

TEST(StatementShape, ShowsNamesWhereTheyAreAllowedButNoLiteralOrNumber) {
  EXPECT_EQ(StatementShape(R"(SELECT "id", note FROM "s"."t" WHERE k = 'shh' AND n = 4711)",
                           Names::kShown),
            R"(SELECT "id", note FROM "s"."t" WHERE k = '…' AND n = 0)");
  EXPECT_EQ(StatementShape("SELECT $x$shh$x$ FROM t", Names::kShown), "SELECT …");
}

TEST(MessageShape, KeepsWhatServersSayAndHidesWhatTheyName) {
  const Case cases[] = {
      {R"(relation "orders" does not exist)", "relation … does not exist"},
      {"permission denied for relation orders", "permission denied for relation …"},
      {"Value 1234567 out of range for SMALLINT", "Value … out of range for SMALLINT"},
      {"Invalid digit, Value 'x', Pos 0, Type: Integer",
       "Invalid digit, Value …, … 0, Type: Integer"},
      {"user IAMR:acme-reader may not", "user …:…-… may not"},
      {"UNLOAD completed, 12 record(s) unloaded successfully.",
       "UNLOAD completed, 12 record(…) unloaded successfully."},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(MessageShape(one.text, Names::kHidden), one.shape) << one.text;
  }
}

TEST(MessageShape, HidesKeysAlsoWhereNamesAreShown) {
  const std::string key = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00";
  EXPECT_THAT(MessageShape("access key " + key + " is wrong", Names::kShown), Not(HasSubstr(key)));
}

TEST(IsOfCatalogAlone, TellsTheCatalogFromWhatIsAnybodys) {
  EXPECT_TRUE(IsOfCatalogAlone("SELECT schema_name, 'x' FROM svv_all_schemas WHERE 1 = 1"));
  EXPECT_TRUE(IsOfCatalogAlone("SET query_group TO 'sluice'"));
  EXPECT_FALSE(IsOfCatalogAlone("SELECT \"a\" FROM svv_all_schemas"));
  EXPECT_FALSE(IsOfCatalogAlone("SELECT a_b FROM svv_all_schemas"));
}

}  // namespace
}  // namespace sluice::report
