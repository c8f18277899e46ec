// The answers of `sluice init` -> the text of sluice.yaml, and back for a file that is there. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/edit.h"
#include "init/dialogue.h"

namespace sluice::init {

// Beside the dialogue's answers: fields that flags alone can give.
struct Extras {
  std::string root;           // staging.root
  std::string ssl_root_cert;  // redshift.sslrootcert
};

// What an existing file says. REQUIRES: config::ParseYaml(text) has no problems.
struct Present {
  Answers answers;
  bool has_secret = false;
  bool has_destination = false;  // one that is none of the answers
};
Present ReadPresent(std::string_view text);

// A new file, with comments. `secret` stands as the secret access key: a reference, never the key.
std::string NewFile(const Answers& answers, const Extras& extras, const std::string& secret);

// The changes that lead an existing file to the answers; none for what it says already.
std::vector<config::Change> ChangesOf(std::string_view text, const Answers& answers,
                                      const Extras& extras, const std::string& secret);

}  // namespace sluice::init
