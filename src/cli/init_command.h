// `sluice init`: asks, or takes the answers from flags, and writes sluice.yaml whole or not at all.
// Throws base::Error: kInvalidConfig for answers that are missing or bad (all of them in one) and
// for a file that is there and may not be changed; kCancelled; kDestination if nothing can be
// written. Nothing has been written then.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "init/dialogue.h"
#include "init/file.h"

namespace sluice::cli {

// The words behind `sluice init`.
struct InitFlags {
  init::Answers given;
  init::Extras extras;
  std::vector<std::string> tables;  // --table, each as `table:` would have it
  std::string secret_file;          // --secret-access-key-file
  bool default_chain = false;
  bool non_interactive = false;
  bool force = false;  // begin with a new file, replacing one that is there
  bool edit = false;   // change a file that is there, without being asked
  bool check = false;  // afterwards
};

}  // namespace sluice::cli
