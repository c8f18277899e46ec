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
        BadText{"Anchor", "a: &x 1\n", 1, "anchor"}, BadText{"Alias", "a: *x\n", 1, "alias"},
        BadText{"Laughs", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "anchor"},
        BadText{"Merge", "a: &x {b: 1}\nc:\n  <<: *x\n", 1, "anchor"},
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
