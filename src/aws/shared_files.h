// The files that AWS's tools share: ~/.aws/credentials and ~/.aws/config. Read, never written.
// Format: [section] lines, "name = value" lines, '#' or ';' begin a comment line, and a value may
// go on in indented lines (which hold nothing we read, so they are skipped).
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/environment.h"

namespace sluice::aws {

using Settings = std::map<std::string, std::string, std::less<>>;  // names in lower case

// Sections by name; of a name given twice, later settings win. Pure; never throws: lines that are
// neither form are skipped, as AWS's own tools do.
std::map<std::string, Settings, std::less<>> ParseIni(std::string_view text);

struct Profiles {
  std::map<std::string, Settings, std::less<>> by_name;
  std::string credentials_path;  // looked at, whether it exists or not
  std::string config_path;
};

// Both files as one: where both set something, the credentials file wins. A missing file is empty.
// Throws kInvalidConfig if a file exists and cannot be read.
Profiles ReadProfiles(const Environment& environment);

// "acme": `named`, else AWS_PROFILE, else "default".
std::string ProfileName(const Environment& environment, const std::string& named);

}  // namespace sluice::aws
