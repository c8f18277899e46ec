// Goal: what an administrator pastes makes exactly the user that AWS derives, and lets it read,
// whatever stands in a name; every line that is no comment runs.
#include "setup/sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "setup/testing/facts.h"
#include "tests/support/matchers.h"

namespace sluice::setup {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The statements alone: what a client would send.
std::string Statements(const std::string& sql) {
  std::string kept;
  for (std::size_t at = 0; at < sql.size();) {
    const auto end = sql.find('\n', at);
    const std::string line = sql.substr(at, end - at);
    if (!line.starts_with("--")) kept += line + "\n";
    at = end + 1;
  }
  return kept;
}

TEST(Sql, OfPatternAIsForTheUserNamedAfterTheRole) {
  EXPECT_EQ(Statements(Sql(KnownFacts())),
            "CREATE USER \"IAMR:sluice-reader\" PASSWORD DISABLE;\n"
            "GRANT USAGE ON SCHEMA \"sales\" TO \"IAMR:sluice-reader\";\n"
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"sales\" TO \"IAMR:sluice-reader\";\n");
}

TEST(Sql, DerivesTheUserIfAwsWasNotAsked) {
  Facts facts = KnownFacts();
  facts.db_user.clear();
  EXPECT_THAT(Sql(facts), HasSubstr("CREATE USER \"IAMR:sluice-reader\""));
  facts.by_role = false;
  facts.identity_arn = "arn:aws:iam::123456789012:user/etl";
  EXPECT_THAT(Sql(facts), HasSubstr("CREATE USER \"IAM:etl\""));
}

TEST(Sql, OfPatternBIsForTheTaggedUser) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kUserTag;
  facts.db_user = "IAMR:Sluice";
  EXPECT_THAT(Statements(Sql(facts)),
              AllOf(HasSubstr("CREATE USER \"IAMR:Sluice\" PASSWORD DISABLE;"),
                    HasSubstr("TO \"IAMR:Sluice\";"), Not(HasSubstr("sluice-reader"))));
}

TEST(Sql, OfPatternCIsForRolesAndMakesNoUser) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kRolesTag;
  facts.db_roles = {"sluice_read", "Other"};
  EXPECT_EQ(Statements(Sql(facts)),
            "CREATE ROLE \"sluice_read\";\n"
            "CREATE ROLE \"Other\";\n"
            "GRANT USAGE ON SCHEMA \"sales\" TO ROLE \"sluice_read\";\n"
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"sales\" TO ROLE \"sluice_read\";\n"
            "GRANT USAGE ON SCHEMA \"sales\" TO ROLE \"Other\";\n"
            "GRANT SELECT ON ALL TABLES IN SCHEMA \"sales\" TO ROLE \"Other\";\n");
}

TEST(Sql, OfPatternDIsForThePlainUser) {
  Facts facts = KnownFacts();
  facts.pattern = Pattern::kClusterCredentials;
  facts.db_user = "IAM:sluice";
  EXPECT_THAT(Statements(Sql(facts)), AllOf(HasSubstr("CREATE USER \"sluice\" PASSWORD DISABLE;"),
                                            HasSubstr("TO \"sluice\";"), Not(HasSubstr("IAM:"))));
}

TEST(Sql, NamesTheTablesAloneIfToldTo) {
  Facts facts = KnownFacts();
  facts.only_named_tables = true;
  EXPECT_THAT(
      Statements(Sql(facts)),
      AllOf(HasSubstr("GRANT SELECT ON TABLE \"sales\".\"orders\" TO \"IAMR:sluice-reader\";\n"
                      "GRANT SELECT ON TABLE \"sales\".\"or\"\"ders\" TO"),
            Not(HasSubstr("ALL TABLES"))));
}

TEST(Sql, CoversFutureTablesOfKnownOwnersAndSpeaksOfThoseOfOthers) {
  Facts facts = KnownFacts();
  EXPECT_THAT(Sql(facts),
              HasSubstr("\n-- ALTER DEFAULT PRIVILEGES FOR USER \"OWNER\" IN SCHEMA \"sales\""));
  facts.owners = {"etl"};
  EXPECT_THAT(Sql(facts), HasSubstr("\nALTER DEFAULT PRIVILEGES FOR USER \"etl\" IN SCHEMA "
                                    "\"sales\" GRANT SELECT ON TABLES TO \"IAMR:sluice-reader\";"));
  EXPECT_THAT(Sql(facts), Not(HasSubstr("OWNER")));
}

TEST(Sql, LetsNoNameLeaveItsQuotesNorItsComment) {
  Facts facts = KnownFacts();
  facts.schemas = {{.name = "a\"; DROP SCHEMA b; --\nGRANT", .tables = {}}};
  facts.database = "dev\nDROP";
  const std::string sql = Sql(facts);
  EXPECT_THAT(sql, HasSubstr("\"a\"\"; DROP SCHEMA b; --\nGRANT\" TO"));
  EXPECT_THAT(sql, HasSubstr("-- In database dev DROP, as"));
  EXPECT_THAT(sql, HasSubstr("IN SCHEMA \"a\"\"; DROP SCHEMA b; -- GRANT\" GRANT SELECT ON"));
  facts.schemas = {{.name = std::string("a\0b", 3), .tables = {}}};
  EXPECT_THAT([&] { Sql(facts); }, test::ThrowsError(base::ErrorCode::kInvalidConfig));
}

TEST(Sql, TellsHowToFindWhatIsNotKnown) {
  Facts facts = KnownFacts();
  facts.schemas.clear();
  const std::string sql = Sql(facts);
  EXPECT_THAT(sql,
              HasSubstr("-- <SCHEMA>: a schema to be read. To find it:\n--   sluice discover"));
  EXPECT_THAT(sql, HasSubstr("GRANT USAGE ON SCHEMA \"<SCHEMA>\" TO"));
  EXPECT_THAT(Sql(KnownFacts()), Not(HasSubstr("<")));
}

}  // namespace
}  // namespace sluice::setup
