// Goal: what is no YAML, or YAML with a trap in it, is told in words and by line.
#include "config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sluice::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct BadText {
  std::string name;
  std::string text;
  int line;
  std::string words;
};

std::string Repeated(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

// Each line doubles the one before it.
std::string Laughs() {
  std::string text = "l0: &l0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    text += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [*l" + std::to_string(i - 1) +
            ", *l" + std::to_string(i - 1) + "]\n";
  }
  return text;
}

// Twenty levels in each of two.
std::string DeepByAlias() {
  const std::string open(20, '[');
  const std::string close(20, ']');
  return "a: &a\n  " + open + "x" + close + "\nb:\n  " + open + "*a" + close + "\n";
}

class BadYaml : public testing::TestWithParam<BadText> {};

TEST_P(BadYaml, IsToldByLineAndRemedy) {
  const Tree tree = ParseYaml(GetParam().text);
  ASSERT_THAT(tree.problems, SizeIs(1));
  EXPECT_EQ(tree.problems[0].at.line, GetParam().line) << tree.problems[0].problem;
  EXPECT_THAT(tree.problems[0].problem, HasSubstr(GetParam().words));
  EXPECT_FALSE(tree.problems[0].remedy.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadYaml,
    testing::Values(
        BadText{"Empty", "", 0, "is empty"}, BadText{"Blank", "\n \n", 0, "is empty"},
        BadText{"CommentsOnly", "# nothing\n", 0, "is empty"},
        BadText{"Tab", "a:\n\tb: 1\n", 2, "tab"}, BadText{"OpenBrace", "a: { b: 1\nc: 2\n", 2, ""},
        BadText{"OpenQuote", "b: 1\na: \"b\n", 2, "quote"},
        BadText{"TwoColons", "a: b: c\n", 1, "not YAML"},
        BadText{"Indentation", "a:\n  b: 1\n c: 2\n", 3, "not YAML"},
        BadText{"Twice", "a: 1\nb: 2\na: 3\n", 3, "second time; the first is in line 1"},
        BadText{"Alias", "a: *x\n", 1, "alias"},
        BadText{"AliasOfItself", "a: &x\n  b: [*x]\n", 2, "within the value"},
        BadText{"Laughs", Laughs(), 15, "values"},
        BadText{"LaughsByMerge",
                "a: &a {b: 1, c: [" + Repeated("x, ", 1000) + "x]}\nd:\n" +
                    Repeated("  - <<: *a\n", 1000),
                101, "values"},
        BadText{"DeepByAlias", DeepByAlias(), 4, "deep"},
        BadText{"MergeOfNoGroup", "a: &x [b]\nc:\n  <<: *x\n", 3, "merges"},
        BadText{"MergeTwice", "a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n", 4, "second time"},
        BadText{"Tag", "a: !!binary aGk=\n", 1, "tag"},
        BadText{"TwoDocuments", "a: 1\n---\nb: 2\n", 3, "second document"},
        BadText{"NotUtf8", "a: \xFF\n", 0, "UTF-8"},
        BadText{"Nul", std::string("a: \0b", 5), 0, "UTF-8"},
        BadText{"KeyIsList", "? [a, b]\n: 1\n", 1, "key"},
        BadText{"Deep", std::string(100, '['), 1, "deep"},
        BadText{"Huge", "a: " + std::string(kFileBytesMax, 'x'), 0, "1 MiB"}),
    [](const auto& param) { return param.param.name; });

TEST(ParseYaml, KeepsPlacesAndKinds) {
  const Tree tree = ParseYaml("a: 1\nb:\n  - x\n  - ~\n  - \"\"\n  - 'null'\n");
  ASSERT_THAT(tree.problems, IsEmpty());
  ASSERT_THAT(tree.root.entries, SizeIs(2));
  EXPECT_EQ(tree.root.entries[0].value.at.column, 4);
  const auto& items = tree.root.entries[1].value.items;
  ASSERT_THAT(items, SizeIs(4));
  EXPECT_EQ(items[0].at.line, 3);
  EXPECT_EQ(items[1].kind, Node::Kind::kNull);
  EXPECT_EQ(items[2].kind, Node::Kind::kScalar) << "a quoted empty text is a text";
  EXPECT_EQ(items[3].kind, Node::Kind::kScalar) << "a quoted null is a text";
}

const Node& At(const Node& map, std::string_view key) {
  for (const Entry& entry : map.entries) {
    if (entry.key == key) return entry.value;
  }
  ADD_FAILURE() << "no " << key;
  return map;
}

TEST(ParseYaml, PutsInWhatAnAliasStandsFor) {
  const Tree tree = ParseYaml("a: &x 1\nb: &y { c: *x, d: [2, &z ~] }\ne: *y\nf: *z\n");
  ASSERT_THAT(tree.problems, IsEmpty());
  EXPECT_EQ(At(At(tree.root, "e"), "c").text, "1");
  EXPECT_EQ(At(At(tree.root, "e"), "c").at.line, 1) << "where it was written";
  EXPECT_THAT(At(At(tree.root, "e"), "d").items, SizeIs(2));
  EXPECT_EQ(At(tree.root, "f").kind, Node::Kind::kNull);
}

TEST(ParseYaml, MergesWhatTheGroupDoesNotSay) {
  const Tree tree = ParseYaml(
      "a: &a { k: a, only_a: 1 }\nb: &b { k: b, only_b: 2 }\n"
      "c:\n  <<: [*a, *b]\n  own: 3\nd: { k: own, <<: *a }\n\"<<x\": 1\n");
  ASSERT_THAT(tree.problems, IsEmpty());
  EXPECT_EQ(At(At(tree.root, "c"), "k").text, "a") << "the first of two";
  EXPECT_EQ(At(At(tree.root, "c"), "only_b").text, "2");
  EXPECT_THAT(At(tree.root, "c").entries, SizeIs(4));
  EXPECT_EQ(At(At(tree.root, "d"), "k").text, "own");
  EXPECT_EQ(At(At(tree.root, "d"), "only_a").text, "1");
}

TEST(ParseYaml, RandomBytesNeverCrash) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "ab:-?[]{},#&*!|>'\"%@` \n\t~0";
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (auto left = random() % 40; left > 0; --left)
      text += kAlphabet[random() % kAlphabet.size()];
    ParseYaml(text);
  }
}

}  // namespace
}  // namespace sluice::config
