// Goal: a type that a person writes is the one that they mean, or refused with the one to write.
#include "redshift/text/type_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace sluice::redshift {
namespace {

using ::testing::HasSubstr;

std::string Cast(std::string_view text) {
  const auto read = ReadCastType(text);
  if (const auto* type = std::get_if<model::Type>(&read)) return model::ToString(*type);
  const auto& problem = std::get<CastProblem>(read);
  return problem.problem + ": " + problem.remedy;
}

TEST(ReadCastType, TakesEverySpelling) {
  const std::pair<const char*, const char*> cases[] = {{"varchar", "varchar(65535)"},
                                                       {"TEXT", "varchar(65535)"},
                                                       {"character varying(3)", "varchar(3)"},
                                                       {"char(3)", "char(3)"},
                                                       {"int", "integer"},
                                                       {"INT8", "bigint"},
                                                       {"bool", "boolean"},
                                                       {"numeric( 18 , 2 )", "decimal(18,2)"},
                                                       {"decimal(5)", "decimal(5,0)"},
                                                       {"float8", "double precision"},
                                                       {"timestamp with time zone", "timestamptz"},
                                                       {"date", "date"}};
  for (const auto& [text, type] : cases) EXPECT_EQ(Cast(text), type);
}

TEST(ReadCastType, RefusesWhatWouldLoseValuesInSilence) {
  const std::pair<const char*, const char*> cases[] = {
      {"strng", "is not a type of Redshift: Write one of: varchar"},
      {"", "is not a type"},
      {"decimal(18", "put the type in quotes"},
      {"decimal", "would be (18,0): without decimal places: Write it with its size"},
      {"char", "would be char(1)"},
      {"decimal(39,1)", "Write decimal(p,s)"},
      {"decimal(5,6)", "Write decimal(p,s)"},
      {"decimal(5,-1)", "Write decimal(p,s)"},
      {"varchar(65536)", "Write varchar"},
      {"varchar(0)", "Write varchar"},
      {"char(4097)", "Write char(n)"},
      {"hllsketch", "is a type that columns are not cast to"},
      {"super", "is a type that columns are not cast to"}};
  for (const auto& [text, problem] : cases) EXPECT_THAT(Cast(text), HasSubstr(problem)) << text;
}

}  // namespace
}  // namespace sluice::redshift
