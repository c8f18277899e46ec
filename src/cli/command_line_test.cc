// Goal: what a person types is understood, and what is not is told with exit code 2.
#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "cli/grammar.h"

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

TEST(CommandLine, HelpAndVersionAreCommandsToo) {
  EXPECT_EQ(Do({"help"}).text, Do({"--help"}).text);
  EXPECT_EQ(Do({"help", "sync"}).text, Do({"sync", "--help"}).text);
  EXPECT_EQ(Do({"help", "config", "validate"}).text, Do({"config", "validate", "--help"}).text);
  EXPECT_EQ(Do({"--json", "help", "sync"}).exit_code, 0);
  EXPECT_EQ(Do({"version"}).text, Do({"--version"}).text);
  EXPECT_EQ(Do({"help", "synk"}).exit_code, 2);
  EXPECT_THAT(Do({"help"}).text, HasSubstr("version "));
  EXPECT_THAT(Do({"sync", "help"}).line->streams, ElementsAre("help")) << "a stream's name";
}

TEST(CommandLine, EveryHelpTellsTheOptionsOfAll) {
  for (const auto& command : DescribeGrammar().commands) {
    if (command.name == "help" || command.name == "version") continue;
    const std::string text = Do({command.name, "--help"}).text;
    for (const char* option : {"--config", "--json", "--quiet", "--verbose", "--no-color"}) {
      EXPECT_THAT(text, HasSubstr(option)) << command.name;
    }
  }
  EXPECT_THAT(Do({"config", "validate", "--help"}).text, HasSubstr("--config"));
}

TEST(CommandLine, AMisspeltWordIsMeantAsTheNearest) {
  EXPECT_THAT(Do({"synk"}).text, HasSubstr("Did you mean sluice sync?"));
  EXPECT_THAT(Do({"config", "valdate"}).text, HasSubstr("Did you mean sluice config validate?"));
  EXPECT_THAT(Do({"sync", "--alow-deletes"}).text, HasSubstr("Did you mean --allow-deletes?"));
  EXPECT_THAT(Do({"init", "--rolearn", "x"}).text, HasSubstr("Did you mean --role-arn?"));
  EXPECT_THAT(Do({"check", "--conifg", "x"}).text, HasSubstr("Did you mean --config?"));
  EXPECT_THAT(Do({"frobnicate"}).text, HasSubstr("Commands: init"));
}

TEST(CommandLine, AnEmptyValueIsEmptyAndTakesNoFlagAlong) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"init", "--workgroup", "", "--host", "h"},
                                             {"init", "--workgroup=", "--host", "h"},
                                             {"init", "--host", "h", "--workgroup="},
                                             {"init", "--host", "h", "--workgroup", ""}}) {
    const auto parsed = Do(words);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr("--workgroup is empty"));
  }
  EXPECT_THAT(Do({"init", "--workgroup=", "--host="}).text,
              testing::AllOf(HasSubstr("--workgroup is empty"), HasSubstr("--host is empty")));
  EXPECT_THAT(Do({"check", "-c", ""}).text, HasSubstr("--config is empty"));
  EXPECT_THAT(Do({"sync", ""}).text, HasSubstr("is empty"));
}

TEST(CommandLine, AValueThatWasForgottenIsNotTheNextOption) {
  EXPECT_THAT(Do({"init", "--workgroup", "--host", "h"}).text,
              HasSubstr("--workgroup needs a value; --host follows it"));
  EXPECT_THAT(Do({"init", "--host", "h", "--workgroup"}).text, HasSubstr("needs a value"));
  EXPECT_THAT(Do({"check", "-c", "--json"}).text, HasSubstr("-c needs a value; --json"));
  EXPECT_EQ(Do({"init", "--username=-x"}).line->init.given.at(init::Field::kUsername), "-x");
  EXPECT_EQ(Do({"init", "--username", "-"}).line->init.given.at(init::Field::kUsername), "-");
  EXPECT_EQ(Do({"check", "-cx.yaml"}).line->config, "x.yaml");
  EXPECT_EQ(Do({"history", "-qn", "3"}).line->runs_max, 3);
  EXPECT_TRUE(Do({"history", "-qn3"}).line->quiet);
}

TEST(CommandLine, NoSecretIsRepeated) {
  const std::string secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  for (const auto& words :
       std::vector<std::vector<std::string>>{{secret},
                                             {"init", "--secret-access-key", secret},
                                             {"init", "--secret-access-key=" + secret},
                                             {"init", "--" + secret},
                                             {"init", secret},
                                             {"init", "--auth", secret},
                                             {"init", "--auth=" + secret},
                                             {"check", secret},
                                             {"sync", secret},
                                             {"discover", "u:" + secret + "@h"},
                                             {"reset", "sales.orders", secret},
                                             {"setup", "--owner", secret},
                                             {"history", "-n", secret},
                                             {"setup", secret},
                                             {"setup", "--pattern", secret},
                                             {"completion", secret},
                                             {"config", secret},
                                             {"-c", "s3://u:" + secret + "@b/x", "check"},
                                             {"-" + secret, "check"},
                                             {"check", "--json=" + secret}}) {
    const auto parsed = Do(words);
    EXPECT_EQ(parsed.exit_code, 2) << words.front();
    EXPECT_THAT(parsed.text, testing::Not(HasSubstr(secret))) << words.front();
    EXPECT_FALSE(parsed.text.empty());
  }
}

}  // namespace
}  // namespace sluice::cli
