// Goal: what a stream's shape says is what is meant, with what `defaults` add; and each mistake is
// told once, at its place, with what to write.
#include "config/shape.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"

namespace sluice::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Kind = model::ShapeRule::Kind;

Loaded Load(const std::string& stream, const std::string& defaults = "") {
  const std::string text = fmt::format(
      "name: acme\nredshift: {{workgroup: wg1, host: h.example.com, database: dev, username: u}}\n"
      "staging: {{bucket: acme-staging, region: us-east-1}}\n"
      "auth: {{role_arn: 'arn:aws:iam::123456789012:role/r'}}\n"
      "destination: {{type: duckdb, path: x.duckdb}}\ndefaults: {{{}}}\n"
      "streams:\n  - {{table: s.t, {}}}\n",
      defaults, stream);
  return Parse(text, "sluice.yaml", [](std::string_view name) -> std::optional<std::string> {
    if (name == "SALT") return "pepper";
    return std::nullopt;
  });
}

model::Stream ReadStream(const std::string& stream, const std::string& defaults = "") {
  const Loaded loaded = Load(stream, defaults);
  for (const auto& problem : loaded.problems) {
    ADD_FAILURE() << problem.field << " " << problem.problem << "\n" << problem.remedy;
  }
  return loaded.config.streams.at(0).stream;
}

// "field problem: remedy", each.
std::vector<std::string> Problems(const std::string& stream, const std::string& defaults = "") {
  std::vector<std::string> told;
  for (const auto& one : Load(stream, defaults).problems) {
    EXPECT_GT(one.at.line, 0);
    told.push_back(fmt::format("{} {}: {}", one.field, one.problem, one.remedy));
  }
  return told;
}

std::vector<std::string> RulesOf(const model::Stream& stream) {
  std::vector<std::string> rules;
  for (const auto& rule : stream.shape.rules) {
    rules.push_back(fmt::format("{} {}{}", static_cast<int>(rule.kind), rule.column,
                                rule.by_default ? " by default" : ""));
  }
  return rules;
}

constexpr char kHash[] = "hash: {columns: [e], salt: '${SALT}'}";

TEST(Shape, IsReadAsItIsMeant) {
  const model::Stream stream = ReadStream(
      fmt::format("columns: {{exclude: [p, q]}}, rename: {{a: b}}, rename_all: snake_case, "
                  "where: \"x <> 'd' -- only\", cast: {{c: 'decimal(18,2)', d: text}}, {}, "
                  "mask: {{f: last4, g: null, h: '***', i: \"null\", j: 'any Text'}}, "
                  "add: [_synced_at, _source]",
                  kHash));
  const model::Shape& shape = stream.shape;
  EXPECT_THAT(stream.columns, IsEmpty());
  EXPECT_EQ(shape.where, "x <> 'd'");
  EXPECT_TRUE(shape.snake_case && shape.add_synced_at && shape.add_source);
  EXPECT_EQ(shape.salt.Reveal(), "pepper");
  ASSERT_THAT(shape.rules, SizeIs(11));
  EXPECT_EQ(shape.rules[2].name, "b");
  EXPECT_EQ(shape.rules[3].type.scale, 2);
  EXPECT_EQ(shape.rules[4].type.bytes_max, 65535);
  EXPECT_EQ(shape.rules[5].kind, Kind::kHash);
  std::map<std::string, model::Mask> masks;
  for (const auto& rule : shape.rules) {
    if (rule.kind == Kind::kMask) masks[rule.column] = rule.mask;
  }
  EXPECT_EQ(masks["f"].kind, model::Mask::Kind::kLast4);
  EXPECT_EQ(masks["g"].kind, model::Mask::Kind::kNull);
  EXPECT_EQ(masks["h"], (model::Mask{.kind = model::Mask::Kind::kText, .text = "***"}));
  EXPECT_EQ(masks["i"].kind, model::Mask::Kind::kNull);
  EXPECT_EQ(masks["j"].text, "any Text");
  EXPECT_THAT(ReadStream("columns: [a, b]").columns, ElementsAre("a", "b"));
  EXPECT_FALSE(ReadStream("columns: [a, b]").shape.Changes());
}

TEST(Shape, OfDefaultsHoldsForStreamsThatSayNothingElse) {
  const std::string defaults = fmt::format(
      "columns: {{exclude: [p]}}, rename_all: snake_case, where: a = 1, cast: {{c: int}}, "
      "mask: {{m: last4}}, add: [_source], {}",
      kHash);
  model::Stream stream = ReadStream("", defaults);
  EXPECT_THAT(RulesOf(stream),
              ElementsAre("0 p by default", "2 c by default", "3 e by default", "4 m by default"));
  EXPECT_TRUE(stream.shape.snake_case && stream.shape.add_source);
  EXPECT_EQ(stream.shape.where, "a = 1");
  stream = ReadStream(
      "rename_all: none, where: b = 2, add: [], cast: {c: varchar}, mask: {e: null}, "
      "hash: {columns: [m]}",
      defaults);
  EXPECT_THAT(RulesOf(stream), ElementsAre("2 c", "3 m", "4 e", "0 p by default"));
  EXPECT_FALSE(stream.shape.snake_case || stream.shape.add_source);
  EXPECT_EQ(stream.shape.where, "b = 2");
  EXPECT_EQ(stream.shape.salt.Reveal(), "pepper") << "the salt of defaults";
  // Who lists columns brings what is listed, still hidden.
  EXPECT_THAT(RulesOf(ReadStream("columns: [p, m]", defaults)),
              ElementsAre("2 c by default", "3 e by default", "4 m by default"));
}

TEST(Shape, HiddenByDefaultIsNotBroughtBackByACast) {
  EXPECT_THAT(Problems("cast: {m: varchar}", "mask: {m: last4}"),
              ElementsAre(HasSubstr("names a column that cast names, too")));
}

TEST(Shape, TellsEachMistakeOnceWithItsCure) {
  const std::pair<std::string, std::string> cases[] = {
      {"where: 'a = 1; DROP TABLE t'",
       "streams[0].where holds a second statement, which begins with DROP (line 1, column 8"},
      {"where: SELECT 1", "streams[0].where is no condition but begins with SELECT"},
      {"hash: {columns: [e]}", "streams[0].hash has no salt"},
      {"hash: {salt: '${SALT}'}", "streams[0].hash.columns is missing: Name the columns"},
      {"hash: {columns: [e], salt: '${NO_SUCH}'}", "streams[0].hash.salt"},
      {"primary_key: [k], mask: {k: last4}",
       "streams[0].mask.k masks the stream's primary_key, which needs its values: A key can be "
       "hashed"},
      {"primary_key: [k], mask: {K: null}", "streams[0].mask.K masks the stream's primary_key"},
      {"sync_mode: incremental, cursor: c, mask: {c: null}", "masks the stream's cursor"},
      {"sync_mode: incremental, cursor: e, hash: {columns: [e], salt: s}",
       "hashes the stream's cursor"},
      {"write_mode: merge, primary_key: k, deletes: {column: d}, cast: {d: varchar}",
       "casts the column that tells which rows are deleted"},
      {"primary_key: [k], columns: {exclude: [k]}", "leaves out the stream's primary_key"},
      {"mask: {f: first4}", "streams[0].mask.f is no way to mask a value: Write last4"},
      {"mask: {f: ''}", "streams[0].mask.f is no way to mask a value"},
      {"cast: {a: strng}", "streams[0].cast.a is not a type of Redshift: Write one of"},
      {"cast: {a: decimal}", "streams[0].cast.a does not tell how many digits"},
      {"rename: {a: x, b: X}", "gives two columns one name"},
      {"columns: [a, b], rename: {a: b}", "gives two columns one name"},
      {"columns: [aB, a_b], rename_all: snake_case", "gives two columns one name"},
      {"add: [_source], rename: {a: _SOURCE}", "gives two columns one name"},
      {"rename: {a: ''}", "streams[0].rename.a"},
      {"rename: {a: }", "streams[0].rename.a has no value"},
      {"cast: {a: varchar, b}", "streams[0].cast.b has no value: Write its type"},
      {"rename_all: camelCase", "streams[0].rename_all"},
      {"add: {_source}", "streams[0].add is a group of fields, not a list: Write add: [_syn"},
      {"add: [_loaded_at]", "streams[0].add[0] is no column that can be added"},
      {"columns: {except: [a]}", "streams[0].columns.except is not a field"},
      {"columns: [a], rename: {b: c}", "names a column that is not among the stream's `columns`"},
      {"cast: {e: int}, hash: {columns: [e], salt: s}", "names a column that cast names, too"},
      {"hash: {columns: [e, E], salt: s}", "names a column twice"},
      {"columns: {exclude: [a]}, cast: {a: int}", "names a column that is left out"},
  };
  for (const auto& [stream, told] : cases) {
    EXPECT_THAT(Problems(stream), ElementsAre(HasSubstr(told))) << stream;
  }
  EXPECT_THAT(
      Problems("", "columns: [a]"),
      ElementsAre(HasSubstr("defaults.columns is a list, which one stream alone can have")));
}

TEST(Shape, TellsNoSalt) {
  const Loaded loaded = Load("hash: {columns: [e], salt: \"a\\tb-peppered\"}");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_THAT(loaded.problems[0].problem + loaded.problems[0].remedy, Not(HasSubstr("pepper")));
}

TEST(Shape, AHashedKeyIsAKey) {
  EXPECT_THAT(Problems("write_mode: merge, primary_key: [e], " + std::string(kHash)), IsEmpty());
}

}  // namespace
}  // namespace sluice::config
