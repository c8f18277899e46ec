// Goal: what a person types is understood, and what is not is told with exit code 2.
#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Parsed Do(const std::vector<std::string>& arguments,
          std::map<std::string, std::string, std::less<>> variables = {}) {
  return ParseCommandLine(arguments, [&](std::string_view name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  });
}

TEST(CommandLine, ReadsEveryCommand) {
  EXPECT_EQ(Do({"check"}).line->command, Command::kCheck);
  EXPECT_EQ(Do({"discover"}).line->command, Command::kDiscover);
  EXPECT_EQ(Do({"sync"}).line->command, Command::kSync);
  EXPECT_EQ(Do({"config", "validate"}).line->command, Command::kConfigValidate);
  EXPECT_EQ(Do({"config", "schema"}).line->command, Command::kConfigSchema);
}

TEST(CommandLine, SwitchesMayStandBeforeAndBehindTheCommand) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"-c", "a.yaml", "--json", "-v", "sync", "s.t", "u"},
           {"sync", "s.t", "u", "--config", "a.yaml", "--json", "--verbose"},
           {"sync", "--json", "s.t", "u", "-c", "a.yaml", "-v"}}) {
    const auto parsed = Do(arguments);
    ASSERT_TRUE(parsed.line) << parsed.text;
    EXPECT_EQ(parsed.line->config, "a.yaml");
    EXPECT_TRUE(parsed.line->json);
    EXPECT_TRUE(parsed.line->verbose);
    EXPECT_THAT(parsed.line->streams, ElementsAre("s.t", "u"));
  }
}

TEST(CommandLine, ConfigurationComesFromTheOptionElseTheVariableElseTheFolder) {
  EXPECT_EQ(Do({"check"}).line->config, "sluice.yaml");
  EXPECT_EQ(Do({"check"}, {{"SLUICE_CONFIG", "v.yaml"}}).line->config, "v.yaml");
  EXPECT_EQ(Do({"check"}, {{"SLUICE_CONFIG", ""}}).line->config, "sluice.yaml");
  EXPECT_EQ(Do({"check", "-c", "o.yaml"}, {{"SLUICE_CONFIG", "v.yaml"}}).line->config, "o.yaml");
}

TEST(CommandLine, NoColorBySwitchOrVariable) {
  EXPECT_FALSE(Do({"check"}).line->no_color);
  EXPECT_TRUE(Do({"check", "--no-color"}).line->no_color);
  EXPECT_TRUE(Do({"check"}, {{"NO_COLOR", "1"}}).line->no_color);
  EXPECT_FALSE(Do({"check"}, {{"NO_COLOR", ""}}).line->no_color);
}

TEST(CommandLine, MisuseEndsWithTwoAndSaysWhereHelpIs) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{},
                                                                     {"bogus"},
                                                                     {"sync", "--bogus"},
                                                                     {"config"},
                                                                     {"check", "extra"},
                                                                     {"check", "-c"},
                                                                     {"check", "-q", "-v"}}) {
    const auto parsed = Do(arguments);
    EXPECT_FALSE(parsed.line);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr("sluice --help"));
  }
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  for (const auto& command : std::vector<std::vector<std::string>>{{"--help"},
                                                                   {"check", "--help"},
                                                                   {"discover", "--help"},
                                                                   {"sync", "--help"},
                                                                   {"config", "--help"}}) {
    const auto parsed = Do(command);
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_THAT(parsed.text, HasSubstr("sluice " + (command.size() > 1 ? command[0] : "check")));
  }
  EXPECT_THAT(Do({"--version"}).text, HasSubstr("sluice "));
  EXPECT_EQ(Do({"--version"}).exit_code, 0);
}

}  // namespace
}  // namespace sluice::cli
