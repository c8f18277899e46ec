// What may stand in a header. A line break in a key would end the header and begin another one, of
// whoever wrote the key. Each entrance of keys asks here, and the transport asks once more of all
// that it sends. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "aws/session_keys.h"

namespace sluice::aws {

// Throws kInvalidConfig unless all of `keys` is visible ASCII without blanks. `entrance` becomes
// the subject ("environment", "profile acme"); the message names the key and the kind of sign it
// holds, never the value.
void CheckKeys(const SessionKeys& keys, const std::string& entrance);

// The same of one value; `name` is what it is called there ("AWS_SESSION_TOKEN").
void CheckKeyText(std::string_view value, std::string_view name, const std::string& entrance);

}  // namespace sluice::aws
