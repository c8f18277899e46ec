// What is wrong with a configuration: where, what, and what to write instead. All problems of a
// file are collected and told at once. Plain values; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// A place in the file, counted from 1 as editors do; line 0: the file as a whole.
struct Position {
  int line = 0;
  int column = 0;
  int file = 0;  // 0: the configuration itself; else one that it includes (include.h)
};

struct Problem {
  std::string field;  // "streams[2].cursor"; empty: the file as a whole
  Position at;
  std::string problem;    // "is not a port: 70000". Reads on from the field. Never a secret's value
  std::string remedy;     // "Write a number from 1 to 65535, for example port: 5439."
  std::string file = {};  // an included file that it is in; empty: the configuration itself
};

// The nearest of `known` to a misspelt `name`, if it is near enough to be meant; else empty.
std::string_view Nearest(std::string_view name, const std::vector<std::string_view>& known);

// "a, b or c".
std::string OneOf(const std::vector<std::string_view>& words);

}  // namespace sluice::config
