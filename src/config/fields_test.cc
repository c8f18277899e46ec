// Goal: the table of fields is whole: what it proposes is accepted, what it demands says what to
// do, and reader and table cannot part.
#include "config/fields.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>

#include "config/config.h"
#include "config/meant.h"
#include "config/reader.h"
#include "config/yaml_tree.h"

namespace sluice::config {
namespace {

using testing::IsEmpty;

std::optional<std::string> NoVariable(std::string_view) { return std::nullopt; }

// The fewest fields of a good file, group by group; "destination" per type.
const std::map<std::string, std::string> kFewest = {
    {"name", "name: acme"},
    {"redshift", "workgroup: wg1, host: h.example.com, database: dev, username: u"},
    {"staging", "bucket: acme-staging, region: us-east-1"},
    {"auth", "role_arn: 'arn:aws:iam::123456789012:role/r'"},
    {"duckdb", "type: duckdb, path: x.duckdb"},
    {"postgres", "type: postgres, host: db, database: d, user: u"},
    {"lake", "type: lake, path: 's3://warehouse/acme'"},
    {"streams", "table: s.t, primary_key: [id], cursor: c"},
    {"split", "column: c, pieces: 2"},
    {"deletes", "column: gone"},
};

// `fields` with `field: value` in place of what stands there.
std::string FieldsWith(const std::string& fields, const FieldSpec& field, std::string_view value) {
  const std::regex there(fmt::format("(^|, ){}: (\\[[^\\]]*\\]|'[^']*'|[^,]*)(, |$)", field.name));
  std::string rest = std::regex_replace(fields, there, "$1");
  if (rest.ends_with(", ")) rest.resize(rest.size() - 2);
  return fmt::format("{}{}{}: {}", rest, rest.empty() ? "" : ", ", field.name,
                     field.takes == Takes::kText ? fmt::format("'{}'", value) : std::string(value));
}

// A file in which `group` has these fields and all others the fewest.
std::string File(const std::string& group, const std::string& fields, const std::string& type) {
  const auto of = [&](const std::string& name, const std::string& fewest) {
    return name == group ? fields : fewest;
  };
  std::string stream = of("streams", kFewest.at("streams"));
  if (group == "split" || group == "deletes") {
    stream += fmt::format(", write_mode: merge, {}: {{{}}}", group, fields);
  }
  return fmt::format(
      "{}\nredshift: {{{}}}\nstaging: {{{}}}\nauth: {{{}}}\ndestination: {{{}}}\n"
      "streams: [{{{}}}]\ndefaults: {{{}}}\nlimits: {{{}}}\nhistory: {{{}}}\naws: {{{}}}\ncost: "
      "{{{}}}\n"
      "on_failure: {{{}}}\n",
      of("", kFewest.at("name")), of("redshift", kFewest.at("redshift")),
      of("staging", kFewest.at("staging")), of("auth", kFewest.at("auth")),
      of("destination", kFewest.at(type)), stream, of("defaults", ""), of("limits", ""),
      of("history", ""), of("aws", ""), of("cost", ""), of("on_failure", ""));
}

void ForEveryField(const std::function<void(const std::string&, const FieldSpec&)>& visit) {
  for (const FieldSpec& field : kRootGroup.fields) {
    visit("", field);
    if (field.group == nullptr) continue;
    for (const FieldSpec& inner : field.group->fields) visit(std::string(field.name), inner);
  }
  for (const FieldSpec& field : kSplitGroup.fields) visit("split", field);
  for (const FieldSpec& field : kDeletesGroup.fields) visit("deletes", field);
}

std::vector<std::string> ProblemsWith(const std::string& group, const FieldSpec& field,
                                      std::string_view value) {
  const std::string type(field.owners.empty() ? "duckdb" : field.owners.front());
  const std::string fewest = group == "destination"    ? kFewest.at(type)
                             : group.empty()           ? kFewest.at("name")
                             : kFewest.contains(group) ? kFewest.at(group)
                                                       : "";
  std::string fields = FieldsWith(fewest, field, value);
  for (const std::string_view need : field.needs) {
    if (fields.find(need) == std::string::npos) fields += fmt::format(", {}: abc", need);
  }
  // A way to sign in stands alone.
  if (group == "auth" && field.name == "profile") fields = fmt::format("profile: {}", value);
  if (group == "auth" && field.name == "access_key_id") {
    fields = fmt::format("access_key_id: {}, secret_access_key: s", value);
  }
  if (group == "auth" && field.name == "allow_keys_in_unload") {
    fields = fmt::format("profile: p, allow_keys_in_unload: {}", value);
  }
  // Of patterns, which stand without a table.
  if (group == "streams" && field.name == "tables") fields = fmt::format("tables: {}", value);
  if (group == "streams" && !field.needs.empty() && field.needs.front() == "tables") {
    fields = fmt::format("tables: 's.*', {}: {}", field.name, value);
  }
  if (group.empty() && field.name == "include") return {};  // of files that are there
  if (group.empty()) fields = std::regex_replace(fields, std::regex(", "), "\n");
  if (group == "streams" && field.name == "name")
    fields = fmt::format("table: s.t, name: {}", value);
  std::vector<std::string> told;
  const Loaded loaded = Parse(File(group, fields, type), "sluice.yaml", NoVariable);
  for (const Problem& problem : loaded.problems) {
    told.push_back(fmt::format("{} {}", problem.field, problem.problem));
  }
  return told;
}

TEST(Fields, WhatTheTableProposesIsAccepted) {
  int proposed = 0;
  ForEveryField([&](const std::string& group, const FieldSpec& field) {
    for (const std::string_view value : {field.example, field.preset}) {
      if (value.empty()) continue;
      ++proposed;
      EXPECT_THAT(ProblemsWith(group, field, value), IsEmpty())
          << group << "." << field.name << ": " << value;
    }
  });
  EXPECT_GT(proposed, 40);
}

TEST(Fields, EveryWordOfAChoiceIsAccepted) {
  ForEveryField([&](const std::string& group, const FieldSpec& field) {
    if (group == "destination" && field.name == "type") return;  // each needs fields of its own
    if (group == "auth" || group == "defaults") return;
    for (const std::string_view word : field.words) {
      const auto problems = ProblemsWith(group, field, word);
      for (const std::string& problem : problems) {
        // It may not go with the rest of the stream; it is a word all the same.
        EXPECT_EQ(problem.find("is not "), std::string::npos) << problem;
      }
    }
  });
}

TEST(Fields, WhatIsRequiredSaysWhatToDo) {
  ForEveryField([](const std::string& group, const FieldSpec& field) {
    const bool told_by_its_reader = field.name == "auth" || field.name == "path";
    if (field.required && !told_by_its_reader) {
      EXPECT_FALSE(field.missing.empty()) << group << "." << field.name;
    }
    EXPECT_FALSE(field.description.empty()) << group << "." << field.name;
    if (field.takes == Takes::kInteger) {
      EXPECT_LT(field.min, field.max) << field.name;
      EXPECT_FALSE(field.example.empty()) << field.name;
    }
    if (field.takes == Takes::kChoice) {
      EXPECT_FALSE(field.words.empty()) << field.name;
    }
  });
}

TEST(Fields, AFieldIsFoundByItsGroup) {
  ASSERT_NE(FindField("redshift", "port"), nullptr);
  EXPECT_EQ(FindField("redshift", "port")->max, 65535);
  EXPECT_EQ(FindField("", "name")->rule, CheckName);
  EXPECT_EQ(FindField("redshift", "prot"), nullptr);
  EXPECT_EQ(FindField("name", "port"), nullptr);
  EXPECT_EQ(FindField("nothing", "port"), nullptr);
}

constexpr auto kTwo = std::to_array<FieldSpec>({
    {.name = "a", .takes = Takes::kInteger, .description = "A.", .min = 1, .max = 2},
    {.name = "b", .takes = Takes::kChoice, .description = "B."},
});
constinit const GroupSpec kOwn{.path = "own", .fields = kTwo};

TEST(Reader, WhatNoReaderAsksForOrNoTableHasIsABug) {
  Reading reading{.sources = {NoVariable, "."}, .problems = {}};
  const Tree tree = ParseYaml("{a: 1, c: 2}");
  MapReader map(reading, &tree.root, kOwn, "own");
  EXPECT_EQ(map.Integer("a"), 1);
  EXPECT_THROW(map.RefuseOthers(), std::logic_error);  // nothing reads b
  EXPECT_THROW(map.Integer("c"), std::logic_error);
  EXPECT_THROW(map.Choice<int>("b", {{"x", 1}}), std::logic_error);  // the table has no x
  map.Any("b");
  map.RefuseOthers();
  ASSERT_EQ(reading.problems.size(), 1U);
  EXPECT_EQ(reading.problems[0].field, "own.c");
}

}  // namespace
}  // namespace sluice::config
