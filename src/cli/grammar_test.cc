// Goal: what is made from the grammar holds all of it, and no description can leave its quotes.
#include "cli/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const CommandSpec* Find(const CommandSpec& command, const std::string& name) {
  for (const auto& sub : command.commands) {
    if (sub.name == name) return &sub;
  }
  return nullptr;
}

CommandSpec Odd() {
  return {.name = "sluice",
          .description = ".first\n'second \\ word",
          .footer = "",
          .options = {{.names = {"-c", "--config"},
                       .value = "FILE",
                       .choices = {},
                       .description = "it's [a] b:c \\"}},
          .positionals = {},
          .commands = {{.name = "go",
                        .description = "it's that",
                        .footer = "",
                        .options = {{.names = {"--mode"},
                                     .value = "CHOICE",
                                     .choices = {"a", "b"},
                                     .description = "which"}},
                        .positionals = {},
                        .commands = {}}}};
}

TEST(DescribeGrammar, KnowsCommandsOptionsAndChoices) {
  const CommandSpec program = DescribeGrammar();
  const CommandSpec* setup = Find(program, "setup");
  ASSERT_NE(setup, nullptr);
  ASSERT_EQ(setup->positionals.size(), 1U);
  EXPECT_THAT(setup->positionals[0].choices, testing::Contains("unload-role"));
  const CommandSpec* config = Find(program, "config");
  ASSERT_NE(config, nullptr);
  EXPECT_NE(Find(*config, "validate"), nullptr);
  bool found = false;
  for (const auto& option : program.options) {
    if (option.names.back() != "--config") continue;
    found = true;
    EXPECT_EQ(option.names.front(), "-c");
    EXPECT_TRUE(option.IsFile());
  }
  EXPECT_TRUE(found);
  for (const auto& option : setup->options) {
    if (option.names.back() == "--offline") {
      EXPECT_EQ(option.value, "");
    }
    if (option.names.back() == "--pattern") {
      EXPECT_THAT(option.choices, testing::ElementsAre("A", "B", "C", "D"));
    }
  }
}

TEST(Completion, QuotesWhatItIsGiven) {
  EXPECT_THAT(BashCompletion(Odd()), AllOf(HasSubstr("'/go') command='go' ;;"),
                                           HasSubstr("'go':--mode) COMPREPLY=($(compgen -W 'a b'"),
                                           HasSubstr("*:-c|*:--config) COMPREPLY=($(compgen -f")));
  EXPECT_THAT(ZshCompletion(Odd()),
              AllOf(HasSubstr("'--config[it'\\''s \\[a\\] b\\:c \\\\]:FILE:_files'"),
                    HasSubstr("'--mode[which]:CHOICE:(a b)'"), HasSubstr("go) _sluice_go ;;")));
  EXPECT_THAT(FishCompletion(Odd()),
              AllOf(HasSubstr("complete -c sluice -s c -l config -r -F -d 'it\\'s [a] b:c \\\\'"),
                    HasSubstr("-n '__fish_seen_subcommand_from go' -l mode -x -a 'a b'")));
}

TEST(ManualPage, LetsNoTextBecomeARequest) {
  EXPECT_THAT(ManualPage(Odd(), "1.2-x"),
              AllOf(HasSubstr("\n\\&.first\n\\&'second \\e word\n"), HasSubstr("sluice 1.2\\-x"),
                    HasSubstr("\\fB\\-c\\fR, \\fB\\-\\-config\\fR \\fIFILE\\fR\n"),
                    HasSubstr(".SS \\fBsluice go\\fR"), HasSubstr("One of a, b.")));
}

}  // namespace
}  // namespace sluice::cli
