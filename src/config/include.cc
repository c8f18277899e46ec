#include "config/include.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "config/characters.h"
#include "config/showable.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kInclude = "include";
constexpr std::string_view kStreams = "streams";

Entry* FindEntry(Node& map, std::string_view key) {
  const auto found = std::find_if(map.entries.begin(), map.entries.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  return found == map.entries.end() ? nullptr : &*found;
}

void SetFile(Node& node, int file) {
  node.at.file = file;
  for (Node& item : node.items) SetFile(item, file);
  for (Entry& entry : node.entries) {
    entry.key_at.file = file;
    SetFile(entry.value, file);
  }
}

// What `from` has and `into` has not.
void Merge(Node& into, Node from) {
  for (Entry& entry : from.entries) {
    if (entry.key == kInclude || entry.key.starts_with(kExtension)) continue;
    Entry* own = FindEntry(into, entry.key);
    if (own == nullptr) {
      into.entries.push_back(std::move(entry));
    } else if (own->value.kind == Node::Kind::kNull) {
      *own = std::move(entry);
    } else if (entry.key == kStreams && own->value.kind == Node::Kind::kSequence &&
               entry.value.kind == Node::Kind::kSequence) {
      std::move(entry.value.items.begin(), entry.value.items.end(),
                std::back_inserter(own->value.items));
    }
  }
}

class Includer {
 public:
  Includer(const fs::path& file, const ReferenceSources& sources) : sources_(sources) {
    seen_.push_back(Canonical(file));
  }

  WholeTree Read(std::string_view text, const fs::path& file) {
    out_.tree = ParseYaml(text);
    AddIncludes(out_.tree.root, file, {seen_.front()});
    return std::move(out_);
  }

 private:
  using Chain = std::vector<fs::path>;  // the files that are being read, the outermost first

  static fs::path Canonical(const fs::path& file) {
    std::error_code failed;
    auto path = fs::weakly_canonical(file, failed);
    return failed ? fs::absolute(file).lexically_normal() : path;
  }

  void Add(Position at, std::string problem, std::string remedy) {
    out_.tree.problems.push_back({.field = std::string(kInclude),
                                  .at = at,
                                  .problem = std::move(problem),
                                  .remedy = std::move(remedy)});
  }

  void AddIncludes(Node& root, const fs::path& file, const Chain& chain) {
    if (root.kind != Node::Kind::kMap) return;
    const Entry* entry = FindEntry(root, kInclude);
    if (entry == nullptr || entry->value.kind == Node::Kind::kNull) return;
    const Node value = entry->value;
    const bool list = value.kind == Node::Kind::kSequence;
    for (const Node& item : list ? value.items : std::vector<Node>{value}) {
      if (auto included = ReadOne(item, file, chain)) Merge(root, std::move(*included));
    }
  }

  std::optional<fs::path> PathOf(const Node& item, const fs::path& file) {
    if (item.kind != Node::Kind::kScalar || item.text.empty()) {
      Add(item.at, "is not the name of a file", "Write include: shared.yaml, or a list of such.");
      return std::nullopt;
    }
    Expanded name = Expand(item.text, sources_);
    if (!name.problem.empty()) {
      Add(item.at, std::move(name.problem), std::move(name.remedy));
      return std::nullopt;
    }
    if (MayHoldSecret(name.text)) {
      Add(item.at, "holds what looks like a secret, not the name of a file; it is not shown here",
          "Write include: shared.yaml");
      return std::nullopt;
    }
    return FolderOf(file) / name.text;
  }

  bool Allowed(const Node& item, const fs::path& path, const Chain& chain) {
    const fs::path canonical = Canonical(path);
    const auto again = std::find(chain.begin(), chain.end(), canonical);
    if (again != chain.end()) {
      std::string circle;
      for (auto one = again; one != chain.end(); ++one) circle += one->filename().string() + " -> ";
      Add(item.at, fmt::format("is a circle: {}{}", circle, canonical.filename().string()),
          "Take one of these includes out.");
      return false;
    }
    if (std::find(seen_.begin(), seen_.end(), canonical) != seen_.end()) {
      Add(item.at, fmt::format("names {} a second time", path.string()),
          "Include it once: its streams would stand there twice.");
      return false;
    }
    if (seen_.size() > kIncludesMax) {
      Add(item.at, fmt::format("makes more than {} files", kIncludesMax), "Put some together.");
      return false;
    }
    seen_.push_back(canonical);
    return true;
  }

  std::optional<Node> ReadOne(const Node& item, const fs::path& file, const Chain& chain) {
    const auto path = PathOf(item, file);
    if (!path || !Allowed(item, *path, chain)) return std::nullopt;
    auto read = ReadTextFile(*path,
                             "Create it, or correct the name; it is taken from the folder "
                             "of the file that names it.");
    if (auto* problem = std::get_if<Problem>(&read)) {
      Add(item.at, fmt::format("names {}, which {}", path->string(), problem->problem),
          std::move(problem->remedy));
      return std::nullopt;
    }
    auto& text = std::get<ReadText>(read);
    out_.files.push_back({*path, text.perms});
    const int number = static_cast<int>(out_.files.size());
    Tree tree = ParseYaml(text.text);
    SetFile(tree.root, number);
    for (Problem& problem : tree.problems) {
      problem.at.file = number;
      out_.tree.problems.push_back(std::move(problem));
    }
    if (tree.root.kind != Node::Kind::kMap) {
      if (tree.problems.empty()) {
        out_.tree.problems.push_back({.at = {0, 0, number},
                                      .problem = "is not a group of fields",
                                      .remedy = "Write it as a configuration is written, field: "
                                                "value."});
      }
      return std::nullopt;
    }
    Chain inner = chain;
    inner.push_back(Canonical(*path));
    AddIncludes(tree.root, *path, inner);
    return std::move(tree.root);
  }

  const ReferenceSources& sources_;
  std::vector<fs::path> seen_;
  WholeTree out_;
};

}  // namespace

fs::path FolderOf(const fs::path& file) {
  fs::path folder = file.parent_path();
  return folder == "/dev/fd" || folder == "/proc/self/fd" ? fs::current_path() : folder;
}

std::variant<ReadText, Problem> ReadTextFile(const fs::path& file,
                                             const std::string& remedy_if_absent) {
  const auto whole = [](std::string problem, std::string remedy) {
    return Problem{.problem = std::move(problem), .remedy = std::move(remedy)};
  };
  std::error_code error;
  const auto status = fs::status(file, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return whole(fmt::format("cannot be reached ({})", error.message()),
                 "Check the rights of the folders above it.");
  }
  if (!fs::exists(status)) return whole("does not exist", remedy_if_absent);
  if (fs::is_directory(status)) {
    return whole("is a folder, not a file",
                 fmt::format("Name the file in it: sluice --config {} ...",
                             (file / "sluice.yaml").lexically_normal().string()));
  }
  if (!fs::is_regular_file(status)) return whole("is not a file", "Name a file with --config.");
  std::ifstream in(file, std::ios::binary);
  if (!in) return whole("cannot be opened", "Allow this user to read it: chmod u+r, or chown.");
  ReadText read{.text = {}, .perms = status.permissions()};
  // One byte above the limit is enough for ParseYaml to refuse it.
  read.text.resize(kFileBytesMax + 1);
  in.read(read.text.data(), static_cast<std::streamsize>(read.text.size()));
  if (in.bad()) return whole("cannot be read", "Check the disk it lies on.");
  read.text.resize(static_cast<std::size_t>(in.gcount()));
  return read;
}

WholeTree ParseWithIncludes(std::string_view text, const fs::path& file,
                            const ReferenceSources& sources) {
  return Includer(file, sources).Read(text, file);
}

}  // namespace sluice::config
