// Identifiers and literals, as Redshift reads them. Pure; any thread.
// We quote ourselves: in Redshift a backslash inside single quotes escapes, as in PostgreSQL before
// standard_conforming_strings, and PQescapeLiteral may write E'...', which Redshift rejects.
// https://github.com/aws/amazon-redshift-jdbc-driver/issues/124
#pragma once
#include <string>
#include <string_view>

#include "model/types.h"

namespace sluice::redshift {

// All throw kInvalidConfig if the text holds a NUL or is no UTF-8; the text is not repeated.

// `x"y` -> `"x""y"`. A backslash is not special here. Also refuses the empty name.
std::string Ident(std::string_view name);
// "schema"."table"
std::string Ident(const model::TableName& name);
// `a\b'c` -> `'a\\b''c'`.
std::string Literal(std::string_view value);
// A whole SELECT, to stand between the quotes of UNLOAD ('...'): level 2.
std::string Inner(std::string_view select);

bool IsUtf8WithoutNul(std::string_view text);

}  // namespace sluice::redshift
