// YAML text -> a tree that remembers where everything stood. The only file that knows yaml-cpp.
// Read by events, not by yaml-cpp's own nodes: those drop the second of two equal keys silently and
// expand aliases without a bound, with which a small file can become gigabytes.
// Anchors, aliases and merge keys (`<<`) are resolved here: nobody above knows of them. What an
// alias stands for keeps the place where it was written.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace sluice::config {

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  Kind kind = Kind::kNull;
  Position at;
  std::string text;            // kScalar, references not yet replaced
  bool quoted = false;         // kScalar: it stands in quotes
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMap, in the file's order, keys unique
};

struct Entry {
  std::string key;
  Position key_at;
  Node value;
};

inline constexpr std::size_t kFileBytesMax = 1U << 20;
inline constexpr std::size_t kNodesMax = 100'000;

struct Tree {
  Node root;
  std::vector<Problem> problems;  // not empty: `root` is of no use
};

// Pure. Problems: not UTF-8, too large, malformed YAML, a tab as indentation, an equal key twice,
// tags, an alias within its own value, more than kNodesMax values with all aliases written out,
// more than one document, nothing in it.
Tree ParseYaml(std::string_view text);

}  // namespace sluice::config
