// ${NAME}, ${NAME:-default}, ${file:PATH} and $$ inside a value. Any thread.
// ${NAME}: the environment variable; not set is an error, set but empty is the empty text.
// ${NAME:-default}: the default if it is not set or empty, as in a shell. ${file:PATH}: the file's
// content without line ends at its end; PATH is taken from the configuration's folder. $$: a '$'.
// Any other '$' stands for itself, so that SQL and passwords mostly need no thought.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/rules.h"

namespace sluice::config {

// The variable's value; nullopt if it is not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

struct ReferenceSources {
  Environment environment;
  std::filesystem::path folder;  // of the configuration
};

struct Expanded {
  std::string text;
  bool referenced = false;  // something was replaced: the text may be a secret, do not repeat it
  // Not empty: `text` is of no use. They name variable or file, never a value.
  std::string problem;
  std::string remedy;
};

Expanded Expand(std::string_view raw, const ReferenceSources& sources);

// A value that is `$NAME` and nothing else was meant as ${NAME}. Of a `secret` only capitals are
// taken for a variable's name, and it is not repeated: it may be the secret.
std::optional<Broken> BareReference(std::string_view raw, bool secret);

}  // namespace sluice::config
