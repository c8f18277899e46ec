// The words that a report may hold. Whatever the case. Pure; any thread.
#pragma once
#include <string_view>

namespace sluice::report {

// Of SQL, of the catalog, and of the statements that this program sends.
bool IsKnownInStatements(std::string_view word);
// The same, and those that servers write their complaints with.
bool IsKnownInMessages(std::string_view word);

}  // namespace sluice::report
