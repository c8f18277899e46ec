// What of a statement or a server's text may leave the house: words of the language and of the
// catalog. A name, a value or a key is none of them, so what is not known is left out: no list of
// secrets could be complete. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::report {

enum class Names { kHidden, kShown };

// "SELECT \"…\" FROM \"…\".\"…\" WHERE … = '…' LIMIT 0". Literals, numbers of more than two digits
// and comments are masked whatever `names` says; names that are quoted or not known, unless it says
// kShown.
std::string StatementShape(std::string_view sql, Names names);

// A sentence of a server or of AWS: known words and punctuation; numbers of more than three digits
// are masked. kShown: also names, as redshift::Mask leaves them.
std::string MessageShape(std::string_view text, Names names);

// Nothing in the statement is anybody's own: its columns are the catalog's.
bool IsOfCatalogAlone(std::string_view sql);

}  // namespace sluice::report
