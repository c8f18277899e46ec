// All texts that an administrator may run, by the words that name them. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "setup/facts.h"

namespace sluice::setup {

struct Part {
  std::string_view word;   // "sql": what follows `sluice setup`
  std::string_view title;  // "The database user and its grants"
  std::string_view who;    // "a superuser of the database"
  std::string text;        // empty: nothing is to be done
};
// All of them, in the order of the set-up guide, Terraform last.
std::vector<Part> Parts(const setup::Facts& facts);

}  // namespace sluice::setup
