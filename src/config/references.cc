#include "config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include "config/showable.h"

namespace sluice::config {
namespace {

constexpr std::uintmax_t kReferencedBytesMax = 64U << 10;

bool IsVariableName(std::string_view name) {
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return c < 0x80 && (std::isalnum(c) != 0 || c == '_');
         });
}

// A key that was written where its variable belongs is a good name, too.
bool IsShowableName(std::string_view name) {
  constexpr std::size_t kNameMax = 60;
  return name.size() <= kNameMax && !HoldsKeyMaterial(name) &&
         (name.size() < 20 || name.find('_') != std::string_view::npos);
}

void Fail(Expanded& out, std::string problem, std::string remedy) {
  out.problem = std::move(problem);
  out.remedy = std::move(remedy);
}

void AddFile(std::string_view path, const ReferenceSources& sources, Expanded& out) {
  const std::filesystem::path file = sources.folder / std::filesystem::path(path);
  const auto fail = [&](std::string_view why, std::string remedy) {
    // A key that was written into the reference is no path.
    const std::string name =
        HoldsKeyMaterial(path) || path.find('@') != std::string_view::npos ? "" : file.string();
    Fail(out,
         fmt::format("refers to {}, which {}", name.empty() ? "a file" : "the file " + name, why),
         std::move(remedy));
  };
  std::error_code error;
  if (path.empty() || !std::filesystem::is_regular_file(file, error)) {
    return fail("does not exist or is not a file",
                "Create it, or correct the path; it is taken from the configuration's folder.");
  }
  if (std::filesystem::file_size(file, error) > kReferencedBytesMax) {
    return fail("is larger than 64 KiB", "Is this the right file?");
  }
  std::ifstream in(file, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) {
    return fail("cannot be read", "Allow this user to read it: chmod u+r, or chown.");
  }
  if (!in.is_open()) {
    return fail("cannot be opened", "Allow this user to read it: chmod u+r, or chown.");
  }
  // Editors and `echo` end a file with a line end that belongs to no secret.
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) {
    content.pop_back();
  }
  out.text += content;
}

void AddVariable(std::string_view inside, const ReferenceSources& sources, Expanded& out) {
  const auto colon = inside.find(":-");
  const std::string_view name = inside.substr(0, colon);
  if (!IsVariableName(name)) {
    return Fail(out, "has a reference ${...} with something else than a variable's name in it",
                "Write ${NAME}, ${NAME:-default} or ${file:PATH}. A plain $ before { is $$.");
  }
  auto value = sources.environment ? sources.environment(name) : std::nullopt;
  if (colon != std::string_view::npos) {
    const std::string_view fallback = inside.substr(colon + 2);
    if (fallback.find("${") != std::string_view::npos) {
      return Fail(out, "has a reference inside a reference", "Keep the default a plain text.");
    }
    if (!value || value->empty()) value = std::string(fallback);
  }
  if (!value && !IsShowableName(name)) {
    return Fail(out, "needs an environment variable that is not set; its name looks like a secret",
                "Between the braces of ${NAME} stands a variable's name, not its value.");
  }
  if (!value) {
    return Fail(out, fmt::format("needs the environment variable {}, which is not set", name),
                fmt::format("Set it: export {}=...   or give a default: ${{{}:-...}}", name, name));
  }
  out.text += *value;
}

}  // namespace

std::optional<Broken> BareReference(std::string_view raw, bool secret) {
  if (!raw.starts_with('$') || !IsVariableName(raw.substr(1))) return std::nullopt;
  const std::string_view name = raw.substr(1);
  const bool capitals =
      std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (secret && !capitals) return std::nullopt;
  const bool shown = !secret && IsShowableName(name);
  return Broken{"is written as $NAME, which is not replaced",
                fmt::format("Write it with braces: \"${{{0}}}\". Is the dollar sign meant as such, "
                            "write $${0}",
                            shown ? name : "NAME")};
}

Expanded Expand(std::string_view raw, const ReferenceSources& sources) {
  Expanded out;
  while (!raw.empty()) {
    const auto dollar = raw.find('$');
    out.text += raw.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    raw.remove_prefix(dollar);
    if (raw.starts_with("$$")) {
      out.text += '$';
      raw.remove_prefix(2);
      continue;
    }
    if (!raw.starts_with("${")) {
      out.text += '$';
      raw.remove_prefix(1);
      continue;
    }
    const auto end = raw.find('}');
    if (end == std::string_view::npos) {
      Fail(out, "has a ${ without its }", "Close the reference, or write $${ for a plain ${.");
      break;
    }
    out.referenced = true;
    const std::string_view inside = raw.substr(2, end - 2);
    if (inside.starts_with("file:")) {
      AddFile(inside.substr(5), sources, out);
    } else {
      AddVariable(inside, sources, out);
    }
    if (!out.problem.empty()) break;
    raw.remove_prefix(end + 1);
  }
  if (!out.problem.empty()) out.text.clear();
  return out;
}

}  // namespace sluice::config
