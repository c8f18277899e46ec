// The command line as values: what completions and the manual page are made from, so that neither
// can go stale. Made by command_line.cc from the grammar that parses.
#pragma once
#include <string>
#include <vector>

namespace sluice::cli {

struct OptionSpec {
  std::vector<std::string> names;    // "-c", "--config"; of a positional "PART"
  std::string value;                 // "FILE"; empty: a switch
  std::vector<std::string> choices;  // not empty: one of these
  std::string description;

  // A value that is a file's name.
  bool IsFile() const { return value == "FILE" || value == "PATH" || value == "FD|FILE"; }
};

struct CommandSpec {
  std::string name;  // "sluice", "check"
  std::string description;
  std::string footer;
  std::vector<OptionSpec> options;
  std::vector<OptionSpec> positionals;
  std::vector<CommandSpec> commands;
};

CommandSpec DescribeGrammar();

// Scripts for the shells' own completion.
std::string BashCompletion(const CommandSpec& program);
std::string ZshCompletion(const CommandSpec& program);
std::string FishCompletion(const CommandSpec& program);
// The manual page, section 1, for man(1).
std::string ManualPage(const CommandSpec& program, const std::string& version);

}  // namespace sluice::cli
