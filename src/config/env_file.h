// A file of variables (`--env-file`), as docker compose reads one, for ${NAME} in a configuration
// and the standard AWS variables. A variable that the environment has already wins over the file's.
//
//   # a comment                 blank lines and comments are skipped
//   NAME=plain text  # comment  blanks around it do not count, a # behind a blank ends it
//   export NAME='as it is'      `export` does not count
//   NAME="two\nlines"           \n, \r, \t, \", \\ and \$ are replaced
//
// Values stand in one line. ${OTHER} is not replaced in one: it is refused, but in single quotes.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "config/references.h"

namespace sluice::config {

struct EnvFile {
  std::map<std::string, std::string, std::less<>> variables;  // of two equal ones the last
  // Not empty: `variables` is of no use. They name variables, never a value.
  std::vector<Problem> problems;
  // "every user of this machine", "its group": who may read the file beside its owner; or empty.
  std::string readers;
};

// Pure.
EnvFile ParseEnvFile(std::string_view text);
// A file that is absent or unreadable is a problem too.
EnvFile LoadEnvFile(const std::filesystem::path& file);

// `environment`, and behind it the file's variables. Owns them.
Environment WithVariables(Environment environment,
                          std::map<std::string, std::string, std::less<>> variables);

}  // namespace sluice::config
