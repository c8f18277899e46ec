// Bodies of the services that speak AWS's query protocol: a form in, XML out. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::aws {

using QueryMembers = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

// "Action=A&Version=2011-06-15&Name=value": values percent-encoded, names as they are.
std::string QueryForm(std::string_view action, std::string_view version,
                      const QueryMembers& members);

}  // namespace sluice::aws
