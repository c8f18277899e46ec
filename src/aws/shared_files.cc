#include "aws/shared_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/small_file.h"
#include "base/text.h"

namespace sluice::aws {
namespace {

// Of AssumeRoleWithWebIdentity; other tokens are shorter.
constexpr std::size_t kTokenLengthMax = 20000;

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// " #" and " ;" begin a comment after a value; a '#' inside a word belongs to it.
std::string_view WithoutComment(std::string_view value) {
  for (const std::string_view mark : {" #", " ;", "\t#", "\t;"}) {
    value = value.substr(0, value.find(mark));
  }
  return Trim(value);
}

std::string Path(const base::Environment& environment, std::string_view variable,
                 std::string_view beneath_home) {
  std::string path = base::Lookup(environment, variable).value_or("~" + std::string(beneath_home));
  if (path.starts_with("~/")) path.replace(0, 1, base::Lookup(environment, "HOME").value_or(""));
  return path;
}

// Of some thousand profiles.
constexpr std::size_t kProfileBytesMax = 4 << 20;

std::string ReadFile(const std::string& path) {
  base::SmallFile file = base::ReadSmallFile(path, kProfileBytesMax);
  if (file.problem.empty()) return std::move(file.text);
  if (file.missing) return "";
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "read AWS profiles",
                     .subject = "file " + path,
                     .message = "it exists and cannot be used: it " + file.problem,
                     .remedy = "Let the user who runs Sluice read it (chmod u+r " + path +
                               "), or name another file."});
}

// "profile acme" -> "acme"; in the config file only "default" goes without the word.
std::string ConfigSection(std::string_view section) {
  if (section.starts_with("profile ") || section.starts_with("profile\t")) {
    std::string_view name = Trim(section.substr(8));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
      name = name.substr(1, name.size() - 2);
    }
    return std::string(name);
  }
  return section == "default" ? "default" : "";
}

}  // namespace

std::map<std::string, Settings, std::less<>> ParseIni(std::string_view text) {
  std::map<std::string, Settings, std::less<>> sections;
  Settings* open = nullptr;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = Trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      const auto close = line.find(']');
      open = close == std::string_view::npos
                 ? nullptr
                 : &sections[std::string(Trim(line.substr(1, close - 1)))];
      continue;
    }
    const auto equals = line.find('=');
    const bool continued = raw.front() == ' ' || raw.front() == '\t';
    if (open == nullptr || continued || equals == std::string_view::npos) continue;
    (*open)[base::Lower(Trim(line.substr(0, equals)))] = WithoutComment(line.substr(equals + 1));
  }
  return sections;
}

Profiles ReadProfiles(const base::Environment& environment) {
  Profiles profiles{
      .credentials_path = Path(environment, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials"),
      .config_path = Path(environment, "AWS_CONFIG_FILE", "/.aws/config")};
  for (auto& [section, settings] : ParseIni(ReadFile(profiles.config_path))) {
    if (section.starts_with("sso-session ")) {
      profiles.sso_sessions.insert(std::string(Trim(std::string_view(section).substr(12))));
    }
    const std::string name = ConfigSection(section);
    if (!name.empty()) profiles.by_name[name].insert(settings.begin(), settings.end());
  }
  for (auto& [name, settings] : ParseIni(ReadFile(profiles.credentials_path))) {
    for (auto& [key, value] : settings) profiles.by_name[name][key] = value;
  }
  return profiles;
}

std::optional<std::string> ProfileSetting(const base::Environment& environment,
                                          const std::string& named, std::string_view setting) {
  const Profiles profiles = ReadProfiles(environment);
  const auto profile = profiles.by_name.find(ProfileName(environment, named));
  if (profile == profiles.by_name.end()) return std::nullopt;
  const auto value = profile->second.find(setting);
  if (value == profile->second.end() || value->second.empty()) return std::nullopt;
  return value->second;
}

base::Secret ReadSecretFile(const std::string& path, const std::string& what) {
  const auto refuse = [&](const std::string& message, const std::string& remedy) {
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = "get AWS keys",
                       .subject = what + ", file " + path,
                       .message = message,
                       .remedy = remedy});
  };
  base::SmallFile file = base::ReadSmallFile(path, kTokenLengthMax);
  if (!file.problem.empty()) {
    refuse("it cannot be read: it " + file.problem,
           "Check the path: it must name a file that holds the token alone, and that the user who "
           "runs Sluice may read.");
  }
  std::string text = std::move(file.text);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) {
    refuse("it is empty", "Wait until whoever issues the token has written it, or issue one.");
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, first);
  return base::Secret(std::move(text));
}

std::string ProfileName(const base::Environment& environment, const std::string& named) {
  if (!named.empty()) return named;
  return base::Lookup(environment, "AWS_PROFILE").value_or("default");
}

}  // namespace sluice::aws
