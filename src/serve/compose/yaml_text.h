// A configuration as JSON -> YAML text. Pure; any thread.
//
// In a configuration `mask: { phone: last4 }` is a word and "last4" in quotes a text; in the API it
// is the word always. Nothing else depends on quotes.
#pragma once
#include <string>

#include "serve/base/json.h"

namespace sluice::serve {

// What the reader of configurations replaces ($), stands for itself: values of tenants are no
// references, even if a rule had missed one. Names of fields are read as they stand.
void EscapeReferences(Json& value);

// Each text in double quotes, as JSON has it: nothing in a value can end it. For a child.
std::string ChildYaml(const Json& config);
// Texts without quotes where nobody can take them for something else. For people.
std::string PeopleYaml(const Json& config);

}  // namespace sluice::serve
