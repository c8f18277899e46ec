// Goal: an environment file means what docker compose takes it for, its values reach no message,
// and one that cannot be read says so.
#include "config/env_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::config {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string ValueOf(std::string_view line) {
  const auto file = ParseEnvFile(line);
  EXPECT_TRUE(file.problems.empty()) << line << ": " << file.problems.front().problem;
  return file.variables.size() == 1 ? file.variables.begin()->second : "not one";
}

TEST(EnvFile, ReadsPlainAndQuotedValues) {
  EXPECT_EQ(ValueOf("A=b"), "b");
  EXPECT_EQ(ValueOf("A = b c  # comment"), "b c");
  EXPECT_EQ(ValueOf("export A=b"), "b");
  EXPECT_EQ(ValueOf("exporter=b"), "b");
  EXPECT_EQ(ValueOf("A=b#c"), "b#c");
  EXPECT_EQ(ValueOf("A=#c"), "");
  EXPECT_EQ(ValueOf("A="), "");
  EXPECT_EQ(ValueOf("A=a=b=="), "a=b==");
  EXPECT_EQ(ValueOf(R"(A='a"b ${c} \n #d')"), R"(a"b ${c} \n #d)");
  EXPECT_EQ(ValueOf(R"(A="a'b\n\"c\\d\$e\q" # f)"), "a'b\n\"c\\d$e\\q");
  EXPECT_EQ(ValueOf("A=pa$$word"), "pa$$word");
}

TEST(EnvFile, SkipsCommentsAndTakesTheLastOfTwo) {
  const auto file = ParseEnvFile("\xEF\xBB\xBF# one\r\n\r\nA=1\r\n  # two\nB=2\nA=3");
  EXPECT_TRUE(file.problems.empty());
  EXPECT_THAT(file.variables, ElementsAre(Pair("A", "3"), Pair("B", "2")));
}

TEST(EnvFile, TellsTheLineAndNeverTheValue) {
  const auto file = ParseEnvFile(
      "A=1\nsecret-without-name\n1A=secret\nB=\"secret\nC='secret' secret\nD=${secret}\n"
      "E=\"x${secret}\"\n=secret");
  std::vector<int> lines;
  for (const auto& problem : file.problems) {
    lines.push_back(problem.at.line);
    EXPECT_EQ((problem.field + problem.problem + problem.remedy).find("secret"), std::string::npos)
        << problem.field << problem.problem << problem.remedy;
  }
  EXPECT_THAT(lines, ElementsAre(2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(file.problems[2].field, "B");
  EXPECT_THAT(file.problems[2].problem, HasSubstr("never closed"));
  EXPECT_THAT(file.problems[3].problem, HasSubstr("behind its closing quote"));
  EXPECT_THAT(file.problems[4].problem, HasSubstr("not replaced"));
}

TEST(EnvFile, ThatCannotBeReadSaysWhy) {
  const auto folder = std::filesystem::path(testing::TempDir());
  EXPECT_THAT(LoadEnvFile(folder / "no.env").problems.at(0).problem, HasSubstr("does not exist"));
  EXPECT_THAT(LoadEnvFile(folder).problems.at(0).problem, HasSubstr("is a folder"));
  EXPECT_THAT(ParseEnvFile(std::string("A=\xFF")).problems.at(0).problem, HasSubstr("UTF-8"));
  EXPECT_THAT(ParseEnvFile(std::string((1U << 20) + 1, 'a')).problems.at(0).problem,
              HasSubstr("1 MiB"));
}

TEST(EnvFile, TellsWhoElseMayReadIt) {
  using std::filesystem::perms;
  const auto path = std::filesystem::path(testing::TempDir()) / "readers.env";
  std::ofstream(path) << "A=b\n";
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
  EXPECT_EQ(LoadEnvFile(path).readers, "");
  std::filesystem::permissions(path, perms::owner_read | perms::group_read);
  EXPECT_EQ(LoadEnvFile(path).readers, "its group");
  std::filesystem::permissions(path, perms::owner_read | perms::others_read);
  EXPECT_EQ(LoadEnvFile(path).readers, "every user of this machine");
  std::filesystem::remove(path);
}

TEST(EnvFile, StandsBehindTheEnvironment) {
  const auto environment = WithVariables(
      [](std::string_view name) -> std::optional<std::string> {
        if (name == "SET") return "environment";
        if (name == "EMPTY") return "";
        return std::nullopt;
      },
      {{"SET", "file"}, {"EMPTY", "file"}, {"OWN", "file"}});
  EXPECT_EQ(environment("SET"), "environment");
  EXPECT_EQ(environment("EMPTY"), "") << "set but empty is set";
  EXPECT_EQ(environment("OWN"), "file");
  EXPECT_EQ(environment("NONE"), std::nullopt);
}

}  // namespace
}  // namespace sluice::config
