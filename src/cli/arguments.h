// The words behind `sluice`, put right before they are parsed: help and version as commands, each
// option with its value in one word, and what is wrong told in our own words. A word that is not
// known is repeated only if it is near one that is: people type secrets, too. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "cli/grammar.h"

namespace sluice::cli {

struct Arguments {
  std::vector<std::string> words;  // for the parser
  std::string problem;             // not empty: what is wrong, in lines; `words` is of no use
};

Arguments PutRight(const CommandSpec& program, const std::vector<std::string>& words);

}  // namespace sluice::cli
