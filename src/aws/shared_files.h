// The files that AWS's tools share: ~/.aws/credentials and ~/.aws/config. Read, never written.
// Format: [section] lines, "name = value" lines, '#' or ';' begin a comment line, and a value may
// go on in indented lines (which hold nothing we read, so they are skipped).
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/secret.h"

namespace sluice::aws {

using Settings = std::map<std::string, std::string, std::less<>>;  // names in lower case

// Sections by name; of a name given twice, later settings win. Pure; never throws: lines that are
// neither form are skipped, as AWS's own tools do.
std::map<std::string, Settings, std::less<>> ParseIni(std::string_view text);

struct Profiles {
  std::map<std::string, Settings, std::less<>> by_name;
  std::set<std::string, std::less<>> sso_sessions;  // names of [sso-session ...]
  std::string credentials_path;                     // looked at, whether it exists or not
  std::string config_path;
};

// Both files as one: where both set something, the credentials file wins. A missing file is empty.
// Throws kInvalidConfig if a file exists and cannot be read.
Profiles ReadProfiles(const base::Environment& environment);

// `setting` of the profile that ProfileName gives; nullopt if it is absent or empty. Throws as
// ReadProfiles.
std::optional<std::string> ProfileSetting(const base::Environment& environment,
                                          const std::string& named, std::string_view setting);

// A token that somebody else keeps fresh in a file, without the blanks and line breaks around it.
// Throws kInvalidConfig, with `what` and the path, if the file cannot be read, is empty or holds
// more than 20,000 characters.
base::Secret ReadSecretFile(const std::string& path, const std::string& what);

// "acme": `named`, else AWS_PROFILE, else "default".
std::string ProfileName(const base::Environment& environment, const std::string& named);

}  // namespace sluice::aws
