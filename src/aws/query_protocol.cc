#include "aws/query_protocol.h"

#include "aws/sigv4.h"

namespace sluice::aws {

std::string QueryForm(std::string_view action, std::string_view version,
                      const QueryMembers& members) {
  std::string form = "Action=" + std::string(action) + "&Version=" + std::string(version);
  for (const auto& [name, value] : members) form += "&" + name + "=" + UriEncode(value);
  return form;
}

}  // namespace sluice::aws
