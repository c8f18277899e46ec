// `include:` of other files: one tree of the configuration and all that it includes.
//
// A file is taken from the folder of the one that names it. What stands in the including file
// counts before what stands in an included one, each field at the top as a whole; of two included
// ones the first. Their `streams` are added behind its own. Fields x-... belong to their own file's
// anchors.
#pragma once
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "config/problem.h"
#include "config/references.h"
#include "config/yaml_tree.h"

namespace sluice::config {

// What paths in `file` are taken from: its folder. A descriptor (/dev/fd/3, /proc/self/fd/3) has
// none, and whoever hands one over has chosen where the program runs: the working directory.
std::filesystem::path FolderOf(const std::filesystem::path& file);

struct ReadText {
  std::string text;
  std::filesystem::perms perms = std::filesystem::perms::none;
};
// The whole file, or what is wrong with it as a whole: absent, a folder, not readable. Not more
// than a byte above kFileBytesMax of it. `remedy_if_absent`: what to do then.
std::variant<ReadText, Problem> ReadTextFile(const std::filesystem::path& file,
                                             const std::string& remedy_if_absent);

struct IncludedFile {
  std::filesystem::path path;
  std::filesystem::perms perms = std::filesystem::perms::none;
};
struct WholeTree {
  Tree tree;
  std::vector<IncludedFile> files;  // by Position::file, from 1 on: the first is files[0]
};

// Of `text`, which stands in `file`. Problems, besides those of ParseYaml: a file that cannot be
// read, or is included twice or by itself, more than kIncludesMax.
inline constexpr std::size_t kIncludesMax = 50;
WholeTree ParseWithIncludes(std::string_view text, const std::filesystem::path& file,
                            const ReferenceSources& sources);

}  // namespace sluice::config
