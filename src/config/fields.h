// Every field of sluice.yaml, once: what it takes, its rule, its default and how it is told. From
// this one table come the reader's rules (reader.h), the JSON Schema (schema.h), the page
// docs/CONFIGURATION.md and what `sluice init` asks (init/dialogue.h).
//
// To add a field: a line in the table of its group (fields_*.cc), and one in the group's reader
// that asks for it. A field that no reader asks for, or that no table has, is a std::logic_error in
// the first test that reads that group. Then `tools/configuration.py` writes the page again.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "config/rules.h"

namespace sluice::config {

enum class Takes {
  kText,
  kSql,       // as kText, but it may hold anything, key material too
  kPath,      // of a file or folder
  kSecret,    // no value of it is ever shown
  kPassword,  // a secret that may hold blanks
  kInteger,   // from `min` to `max`
  kNumber,    // as kText, but a number in the file is as good
  kBool,
  kDuration,  // "5m"
  kChoice,    // one of `words`
  kTextList,  // or one text, for a list of one
  kTextMap,   // names of the user's own, each with a text that `rule` judges
  kGroup,     // `group`
  kGroupList,
};

struct GroupSpec;

struct FieldSpec {
  std::string_view name;
  Takes takes = Takes::kText;
  // For a person who writes the file; one or more sentences.
  std::string_view description;
  // How `sluice init` and an editor call it: "Staging bucket".
  std::string_view title = {};
  // Of a value; remedies show it, too.
  std::string_view example = {};
  // What counts where it is absent, as it would be written; "" where the description tells.
  std::string_view preset = {};
  // Of a group with `chosen_by`: by the types that own it.
  bool required = false;
  // What to do where a required one is absent.
  std::string_view missing = {};
  // nullptr: any text that is not empty.
  Rule rule = nullptr;
  std::int64_t min = 0;
  std::int64_t max = 0;
  // Of kChoice; for another kind: words that it takes besides.
  std::span<const std::string_view> words = {};
  // Of kTextMap: null is a value, too.
  bool null_too = false;
  // Of kGroup and kGroupList; for another kind: the group that it takes besides.
  const GroupSpec* group = nullptr;
  // Fields of the group without which it means nothing.
  std::span<const std::string_view> needs = {};
  // Words of `chosen_by` to which it belongs; empty: to all.
  std::span<const std::string_view> owners = {};
};

struct GroupSpec {
  // Where it stands: "", "redshift", "streams[].split".
  std::string_view path;
  std::span<const FieldSpec> fields;
  // The kChoice that decides which other fields there are: "type" of a destination.
  std::string_view chosen_by = {};
  // What holds between its fields and the rest of the table does not say, in words of JSON Schema:
  // members of the object's schema, as a JSON object.
  std::string_view constraints = {};

  // nullptr if there is none.
  const FieldSpec* Find(std::string_view name) const;
};

// The whole file, and its groups.
extern const GroupSpec kRootGroup;
extern const GroupSpec kRedshiftGroup;
extern const GroupSpec kStagingGroup;
extern const GroupSpec kAuthGroup;
extern const GroupSpec kDestinationGroup;
extern const GroupSpec kDefaultsGroup;
extern const GroupSpec kStreamGroup;
extern const GroupSpec kSplitGroup;
extern const GroupSpec kDeletesGroup;
extern const GroupSpec kColumnsGroup;
extern const GroupSpec kHashGroup;
extern const GroupSpec kLimitsGroup;
extern const GroupSpec kHistoryGroup;
extern const GroupSpec kCostGroup;
extern const GroupSpec kOnFailureGroup;
extern const GroupSpec kAwsGroup;

// Its line; nullptr if there is none. `group`: as a key stands at the top, "" for the top itself.
const FieldSpec* FindField(std::string_view group, std::string_view key);

// The regular expression, without ^ and $, that a good value of `rule` matches: narrower than the
// rule never, wider where a pattern cannot tell. "" if the rule has none.
std::string_view PatternOf(Rule rule);

}  // namespace sluice::config
