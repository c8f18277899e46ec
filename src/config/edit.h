// Changes of single values in a YAML text, everything else left as it stands: comments, order,
// blank lines, quotes. For `sluice init` on a file that people wrote. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct Change {
  std::string group;  // "redshift"; empty: a field at the top
  std::string key;
  std::optional<std::string> value;  // nullopt: the field is taken out
  bool plain = false;                // a number: written without quotes

  std::string Field() const { return group.empty() ? key : group + "." + key; }
};

// The text with all changes made, in their order. A field that stands there is replaced, one that
// does not is added to its group, and the group to the end of the file. Verified: the result is
// parsed, and holds exactly the old values and the changes.
// Throws kInvalidConfig, naming the field and the line to write by hand, for a text that cannot be
// changed so: values over several lines, a group that is a list, a root in braces.
// REQUIRES: ParseYaml(text) has no problems; the last field of a group is not taken out.
std::string EditYaml(std::string_view text, const std::vector<Change>& changes);

// The text with these tables as streams behind those that are there; one that is there already is
// left out. Verified and refused as above.
// REQUIRES: ParseYaml(text) has no problems; CheckTable finds nothing wrong with any.
std::string AddTables(std::string_view text, const std::vector<std::string>& tables);

// The value as YAML in one line: plain if nobody can take it for anything but this text.
std::string QuoteYaml(std::string_view value);

}  // namespace sluice::config
