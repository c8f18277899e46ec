#include "config/env_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <optional>
#include <utility>
#include <variant>

#include "config/characters.h"
#include "config/rules.h"
#include "config/showable.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kEnvFileBytesMax = 1U << 20;

void Trim(std::string_view& text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && (IsBlank(text.back()) || text.back() == '\r')) text.remove_suffix(1);
}

bool IsVariable(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
         });
}

struct Wrong {
  std::string_view problem;
  std::string_view remedy;
};

constexpr Wrong kReference = {"holds ${...}, which is not replaced in this file",
                              "Write the value out, or put single quotes around it if it is meant "
                              "as it stands."};
constexpr Wrong kOpenQuote = {"has an opening quote that is never closed in its line",
                              "Close it with the same quote. A value over several lines belongs "
                              "into a file of its own: ${file:PATH}"};
constexpr Wrong kBehindQuote = {"has something behind its closing quote",
                                "Put the whole value in quotes, or only a comment behind it."};

// Behind a closing quote.
bool IsEnd(std::string_view rest) {
  const bool apart = rest.empty() || IsBlank(rest.front());
  Trim(rest);
  return rest.empty() || (apart && rest.starts_with('#'));
}

std::variant<std::string, Wrong> Quoted(std::string_view text) {
  const char quote = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == quote) {
      if (!IsEnd(text.substr(i + 1))) return kBehindQuote;
      return value;
    }
    if (quote == '"' && text.substr(i).starts_with("${")) return kReference;
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    constexpr std::string_view kEscapes = "nrt\"\\$";
    constexpr std::string_view kMeant = "\n\r\t\"\\$";
    const auto escape = kEscapes.find(next);
    if (quote == '"' && c == '\\' && next != '\0' && escape != std::string_view::npos) {
      value += kMeant[escape];
      ++i;
    } else {
      value += c;
    }
  }
  return kOpenQuote;
}

std::variant<std::string, Wrong> Value(std::string_view text) {
  Trim(text);
  if (text.starts_with('"') || text.starts_with('\'')) return Quoted(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || IsBlank(text[i - 1]))) {
      text = text.substr(0, i);
      break;
    }
  }
  Trim(text);
  if (text.find("${") != std::string_view::npos) return kReference;
  return std::string(text);
}

void ReadLine(std::string_view line, int number, EnvFile& into) {
  Trim(line);
  if (line.empty() || line.starts_with('#')) return;
  const auto add = [&](std::string_view name, Wrong wrong) {
    // What stands before the = may be a secret in the wrong place.
    const bool shown = IsVariable(name) && !HoldsKeyMaterial(name);
    into.problems.push_back({.field = shown ? std::string(name) : "",
                             .at = {number, 1},
                             .problem = std::string(wrong.problem),
                             .remedy = std::string(wrong.remedy)});
  };
  constexpr std::string_view kExport = "export";
  if (line.starts_with(kExport) && line.size() > kExport.size() && IsBlank(line[kExport.size()])) {
    line.remove_prefix(kExport.size());
  }
  const auto equals = line.find('=');
  std::string_view name = line.substr(0, equals);
  Trim(name);
  if (equals == std::string_view::npos || !IsVariable(name)) {
    return add("", {"is no variable: a line is NAME=value",
                    "A name has letters, digits and _ and does not begin with a digit. A comment "
                    "begins with #."});
  }
  auto value = Value(line.substr(equals + 1));
  if (const auto* wrong = std::get_if<Wrong>(&value)) return add(name, *wrong);
  into.variables.insert_or_assign(std::string(name), std::get<std::string>(std::move(value)));
}

EnvFile Whole(std::string problem, std::string remedy) {
  EnvFile file;
  file.problems.push_back({.problem = std::move(problem), .remedy = std::move(remedy)});
  return file;
}

std::string Readers(fs::perms perms) {
  if ((perms & fs::perms::others_read) != fs::perms::none) return "every user of this machine";
  return (perms & fs::perms::group_read) != fs::perms::none ? "its group" : "";
}

}  // namespace

EnvFile ParseEnvFile(std::string_view text) {
  if (text.size() > kEnvFileBytesMax)
    return Whole("is larger than 1 MiB", "Is this the right file?");
  if (!IsPlainUtf8(text)) return Whole("is not text in UTF-8", "Save it as UTF-8.");
  EnvFile file;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    ReadLine(text.substr(0, end), number, file);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return file;
}

EnvFile LoadEnvFile(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return Whole(fmt::format("cannot be reached ({})", error.message()),
                 "Check the rights of the folders above it.");
  }
  if (!fs::exists(status)) return Whole("does not exist", "Create it, or correct --env-file.");
  if (fs::is_directory(status)) {
    return Whole("is a folder, not a file", "Name a file with --env-file.");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return Whole("cannot be opened", "Allow this user to read it: chmod u+r, or chown.");
  std::string text(kEnvFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return Whole("cannot be read", "Check the disk it lies on.");
  text.resize(static_cast<std::size_t>(in.gcount()));
  EnvFile file = ParseEnvFile(text);
  file.readers = Readers(status.permissions());
  return file;
}

Environment WithVariables(Environment environment,
                          std::map<std::string, std::string, std::less<>> variables) {
  return [environment = std::move(environment),
          variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    if (auto value = environment(name)) return value;
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace sluice::config
