// Goal: a changed file differs in the changed values alone: comments, order, quotes and line ends
// of a file that somebody cares for survive, and what cannot be changed safely is refused.
#include "config/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "config/yaml_tree.h"
#include "tests/support/matchers.h"

namespace sluice::config {
namespace {

using testing::HasSubstr;

std::string Set(const std::string& text, const std::string& group, const std::string& key,
                const std::string& value) {
  return EditYaml(text, {{group, key, value}});
}
std::string Remove(const std::string& text, const std::string& group, const std::string& key) {
  return EditYaml(text, {{group, key, std::nullopt}});
}

TEST(EditYaml, ReplacesAValueAndNothingElse) {
  const std::string text =
      "# ours\nname: acme   # keep\n\nredshift:\n  host: 'a: b'   # the host\n  port: 5439\n";
  EXPECT_EQ(
      Set(text, "", "name", "other"),
      "# ours\nname: other   # keep\n\nredshift:\n  host: 'a: b'   # the host\n  port: 5439\n");
  EXPECT_EQ(Set(text, "redshift", "host", "h.example.com"),
            "# ours\nname: acme   # keep\n\nredshift:\n  host: h.example.com   # the host\n  port: "
            "5439\n");
  EXPECT_EQ(
      EditYaml(text, {{"redshift", "port", "5440", true}}),
      "# ours\nname: acme   # keep\n\nredshift:\n  host: 'a: b'   # the host\n  port: 5440\n");
}

TEST(EditYaml, ChangesGroupsInBraces) {
  const std::string text = "redshift: { host: a, port: 5439 } # c\nx: {}\n";
  EXPECT_EQ(Set(text, "redshift", "host", "b:c"),
            "redshift: { host: \"b:c\", port: 5439 } # c\nx: {}\n");
  EXPECT_EQ(Set(text, "redshift", "database", "dev"),
            "redshift: { host: a, port: 5439, database: dev } # c\nx: {}\n");
  EXPECT_EQ(Set(text, "x", "y", "z"), "redshift: { host: a, port: 5439 } # c\nx: { y: z }\n");
  EXPECT_EQ(Remove(text, "redshift", "host"), "redshift: { port: 5439 } # c\nx: {}\n");
  EXPECT_EQ(Remove(text, "redshift", "port"), "redshift: { host: a } # c\nx: {}\n");
}

TEST(EditYaml, AddsAFieldBehindItsSiblings) {
  EXPECT_EQ(Set("a:\n    b: 1 # one\n\n# next\nc: 2\n", "a", "d", "x"),
            "a:\n    b: 1 # one\n    d: x\n\n# next\nc: 2\n");
  EXPECT_EQ(Set("a:\n  m:\n    n: 1\nc: 2", "a", "d", "x"), "a:\n  d: x\n  m:\n    n: 1\nc: 2");
  EXPECT_EQ(Set("a: 1", "", "b", "x"), "a: 1\nb: x\n");
}

TEST(EditYaml, AddsAGroupAtTheEnd) {
  EXPECT_EQ(Set("a: 1\n# end\n", "g", "k", "x"), "a: 1\n# end\ng:\n  k: x\n");
  EXPECT_EQ(Set("a: 1\r\nb: 2", "g", "k", "x"), "a: 1\r\nb: 2\r\ng:\r\n  k: x\r\n");
  EXPECT_EQ(Set("g:  # nothing yet\na: 1\n", "g", "k", "x"), "g:  # nothing yet\n  k: x\na: 1\n");
}

TEST(EditYaml, FillsWhatIsEmpty) {
  EXPECT_EQ(Set("g:\n  k:   # none\n  l: 1\n", "g", "k", "x"), "g:\n  k: x   # none\n  l: 1\n");
  EXPECT_EQ(Set("g:\n  k: ~\n  l: 1\n", "g", "k", "x"), "g:\n  k: x\n  l: 1\n");
  EXPECT_EQ(Set("k: null # c\n", "", "k", "x"), "k: x # c\n");
}

TEST(EditYaml, RemovesAFieldWithWhatIsNestedInIt) {
  const std::string text = "a:\n  b: 1\n  c:\n    d: 1\n\n    e: 2\n  # of f\n  f: [1, 2]\ng: 1\n";
  EXPECT_EQ(Remove(text, "a", "b"),
            "a:\n  c:\n    d: 1\n\n    e: 2\n  # of f\n  f: [1, 2]\ng: 1\n");
  EXPECT_EQ(Remove(text, "a", "c"), "a:\n  b: 1\n  # of f\n  f: [1, 2]\ng: 1\n");
  EXPECT_EQ(Remove("s:\n- 1\n- 2\nt: 1\n", "", "s"), "t: 1\n");
  EXPECT_EQ(Remove(text, "a", "absent"), text);
}

TEST(EditYaml, CountsBytesAsTheParserDoes) {
  EXPECT_EQ(Set("g: { \"ключ\": \"знач\", k: 'ö', l: 1 }\n", "g", "k", "ü"),
            "g: { \"ключ\": \"знач\", k: \"ü\", l: 1 }\n");
  EXPECT_EQ(Set("\xEF\xBB\xBFname: a # ö\n", "", "name", "b"), "\xEF\xBB\xBFname: b # ö\n");
}

TEST(EditYaml, RefusesWhatItCannotChangeSafelyAndSaysWhatToWrite) {
  for (const std::string text :
       {"k: |\n  a\n  b\n", "k: >-\n  a\n", "k: a\n  b\n", "k: [1]\n", "k: { a: 1 }\n"}) {
    EXPECT_THAT([&] { Set(text, "", "k", "x"); },
                test::ThrowsError(base::ErrorCode::kInvalidConfig))
        << text;
  }
  EXPECT_THAT([] { Set("{ a: 1 }\n", "g", "k", "x"); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
  EXPECT_THAT([] { Set("g: [1]\n", "g", "k", "x"); },
              test::ThrowsError(base::ErrorCode::kInvalidConfig));
  try {
    Set("g:\n  k: |\n    a\n", "g", "k", "x: y");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.info().subject, "g.k");
    EXPECT_THAT(error.info().remedy, HasSubstr("in g:\n  k: \"x: y\""));
  }
}

TEST(QuoteYaml, ComesBackAsTheSameText) {
  for (const std::string value : {"acme",
                                  "a.b/c-d_e",
                                  "5439",
                                  "true",
                                  "No",
                                  "~",
                                  "",
                                  " a ",
                                  "a: b",
                                  "a #b",
                                  "IAMR:x",
                                  "\"q\\",
                                  "line\nend\ttab",
                                  "${NAME}",
                                  "${file:a b}",
                                  "-x",
                                  "ö",
                                  "{a}",
                                  "*a",
                                  "&a",
                                  "!a",
                                  "%a"}) {
    const Tree tree =
        ParseYaml("k: " + QuoteYaml(value) + "\nf: { k: " + QuoteYaml(value) + " }\n");
    ASSERT_TRUE(tree.problems.empty()) << value;
    EXPECT_EQ(tree.root.entries[0].value.text, value);
    EXPECT_EQ(tree.root.entries[1].value.entries[0].value.text, value);
    EXPECT_EQ(tree.root.entries[0].value.kind, Node::Kind::kScalar) << value;
  }
}

// Files made at random of all ways to write, and random changes: EditYaml verifies the values
// itself, so here it is the comments, and that it does not give up on what people write.
class RandomFile {
 public:
  explicit RandomFile(unsigned seed) : random_(seed) {}

  std::string Text() {
    std::string text = Comment("");
    for (const char* group : {"redshift", "staging", "auth"}) {
      if (Chance(20)) text += "\n";
      text += Chance(30) ? Flow(group) : Block(group);
    }
    text += "name: " + Value() + Trailing();
    return text;
  }
  Change RandomChange() {
    const char* group = Pick({"redshift", "staging", "auth", "", "aws"});
    const char* key = Pick({"k1", "k2", "k3", "k9"});
    // A group's last field is never taken out, and aws may have only one.
    if (Chance(20) && std::string_view(group) != "aws") return {group, "k2", std::nullopt};
    return {group, *group == '\0' ? "name" : key, Pick({"v", "a: b", "x # y", "${Z}", "ü", ""})};
  }
  std::vector<std::string> comments;

 private:
  bool Chance(int percent) { return std::uniform_int_distribution<int>(0, 99)(random_) < percent; }
  const char* Pick(const std::vector<const char*>& from) {
    return from[std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random_)];
  }
  std::string Value() {
    return Pick({"plain", "'it''s'", "\"a \\\" # b\"", "arn:aws:iam::1:role/x", "5", "two words"});
  }
  std::string NewComment() {
    comments.push_back("# c" + std::to_string(comments.size()) + ": é, {x}");
    return comments.back();
  }
  std::string Trailing() { return Chance(40) ? "  " + NewComment() + "\n" : "\n"; }
  std::string Comment(const std::string& indent) {
    return Chance(40) ? indent + NewComment() + "\n" : "";
  }
  std::string Flow(const std::string& group) {
    return group + ": { k1: " + Value() + ", k2: " + Value() + (Chance(50) ? " }" : "}") +
           Trailing();
  }
  std::string Block(const std::string& group) {
    const std::string indent = Chance(50) ? "  " : "    ";
    std::string text = group + ":" + Trailing();
    for (const char* key : {"k1", "k2", "k3"}) {
      text += Comment(indent) + indent + key + ": " + Value() + Trailing();
    }
    return text;
  }

  std::mt19937 random_;
};

TEST(EditYaml, KeepsEveryCommentOfRandomFiles) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    RandomFile file(seed);
    std::string text = file.Text();
    ASSERT_TRUE(ParseYaml(text).problems.empty()) << "seed " << seed << "\n" << text;
    for (int i = 0; i < 6; ++i) {
      const Change change = file.RandomChange();
      const std::string before = text;
      ASSERT_NO_THROW(text = EditYaml(text, {change}))
          << "seed " << seed << ", " << change.Field() << "\n"
          << before;
      if (!change.value) continue;  // a comment behind a removed field goes with it
      for (const auto& comment : file.comments) {
        if (before.find(comment) == std::string::npos) continue;
        ASSERT_THAT(text, HasSubstr(comment)) << "seed " << seed << "\n" << before;
      }
    }
  }
}

std::string WithTables(std::string_view text) { return AddTables(text, {"s.a", "s.\"b c\""}); }

TEST(AddTables, GoBehindThoseThatAreThere) {
  EXPECT_EQ(
      WithTables("a: 1\nstreams:\n  - table: x.y  # first\n    columns: [q]\n\n# end\nb: 2\n"),
      "a: 1\nstreams:\n  - table: x.y  # first\n    columns: [q]\n  - table: s.a\n"
      "  - table: \"s.\\\"b c\\\"\"\n\n# end\nb: 2\n");
  EXPECT_EQ(WithTables("streams:\n- table: x.y\n- {name: q, sql: SELECT 1}"),
            "streams:\n- table: x.y\n- {name: q, sql: SELECT 1}\n- table: s.a\n"
            "- table: \"s.\\\"b c\\\"\"\n");
  EXPECT_EQ(AddTables("streams:\n  -\n    table: x.y\n", {"s.a"}),
            "streams:\n  -\n    table: x.y\n  - table: s.a\n");
}

TEST(AddTables, BeginAListThatIsEmptyOrMissing) {
  EXPECT_EQ(AddTables("a: 1\n", {"s.a"}), "a: 1\nstreams:\n  - table: s.a\n");
  EXPECT_EQ(AddTables("a: 1", {"s.a"}), "a: 1\nstreams:\n  - table: s.a\n");
  EXPECT_EQ(AddTables("streams:  # none\nb: 2\n", {"s.a"}),
            "streams:  # none\n  - table: s.a\nb: 2\n");
  EXPECT_EQ(AddTables("streams: ~\n", {"s.a"}), "streams:\n  - table: s.a\n");
  EXPECT_EQ(AddTables("streams: []\n", {"s.a", "s.b"}),
            "streams: [ { table: s.a }, { table: s.b }]\n");
  EXPECT_EQ(AddTables("streams: [{ table: x.y }]\n", {"s.a"}),
            "streams: [{ table: x.y }, { table: s.a }]\n");
  EXPECT_EQ(AddTables("streams: [\n  { table: 'x.]y' },\n]\n", {"s.a"}),
            "streams: [\n  { table: 'x.]y' }, { table: s.a }\n]\n");
}

TEST(AddTables, LeaveOutWhatIsThereInAnySpelling) {
  constexpr std::string_view kText = "streams:\n  - table: '\"s\".\"a\"'\n  - table: s.b\n";
  EXPECT_EQ(AddTables(kText, {"s.a", "s.b"}), kText);
}

TEST(AddTables, RefuseWhatCannotBeChangedSafely) {
  for (const char* text : {"{ a: 1 }\n", "streams: x.y\n", "streams: {a: b}\n",
                           "streams: [\n  { table: x.y }, # it's\n]\n"}) {
    EXPECT_THAT([&] { AddTables(text, {"s.a"}); },
                test::ThrowsError(base::ErrorCode::kInvalidConfig))
        << text;
  }
}

}  // namespace
}  // namespace sluice::config
