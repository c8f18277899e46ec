// Goal: a configuration in several files means what a person reads in them, each mistake is told by
// the file and line in which it stands, and a circle ends.
#include "config/include.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "config/config.h"
#include "tests/support/temp_dir.h"

namespace sluice::config {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kShared =
    "x-note: for anchors\n"
    "name: shared\n"
    "redshift: { workgroup: wg1, host: h.example.com, database: dev, username: u }\n"
    "staging: { bucket: acme-staging, region: us-east-1 }\n"
    "auth: { role_arn: 'arn:aws:iam::123456789012:role/r' }\n"
    "destination: { type: duckdb, path: shared.duckdb, schema: s }\n"
    "streams:\n  - table: hr.people\n";

class IncludeTest : public testing::Test {
 protected:
  std::filesystem::path Write(const std::string& name, std::string_view text) const {
    const auto path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path;
  }
  Loaded LoadMain(std::string_view text) const {
    return Load(Write("sluice.yaml", text), [](std::string_view name) {
      return name == "WHO" ? std::optional<std::string>("shared") : std::nullopt;
    });
  }
  Problem TheProblem(std::string_view text) const {
    const auto problems = LoadMain(text).problems;
    EXPECT_THAT(problems, SizeIs(1)) << (problems.size() > 1 ? problems[1].problem : "");
    return problems.empty() ? Problem{} : problems[0];
  }
  std::string At(const std::string& name) const { return (dir_.path() / name).string(); }

  test::TempDir dir_;
};

TEST_F(IncludeTest, AddsWhatTheMainFileLacks) {
  Write("shared.yaml", kShared);
  const Loaded loaded = LoadMain(
      "include: ${WHO}.yaml\nname: acme\ndestination: { type: duckdb, path: own.duckdb }\n"
      "staging:\nstreams:\n  - table: sales.orders\n");
  ASSERT_THAT(loaded.problems, IsEmpty()) << loaded.problems[0].problem;
  const Config& config = loaded.config;
  EXPECT_EQ(config.name, "acme");
  EXPECT_EQ(config.redshift.workgroup, "wg1");
  EXPECT_EQ(config.staging.bucket, "acme-staging") << "an empty group says nothing";
  EXPECT_EQ(config.destination.schema, std::nullopt) << "a group is one file's as a whole";
  ASSERT_THAT(config.streams, SizeIs(2));
  EXPECT_EQ(config.streams[0].stream.name, "sales.orders");
  EXPECT_EQ(config.streams[1].stream.name, "hr.people");
}

TEST_F(IncludeTest, TakesFilesFromTheFolderOfTheOneThatNamesThem) {
  Write("base/shared.yaml",
        "include: deeper/auth.yaml\nstreams_parallel: 2\nlimits: { disk_mb: 100 }\n");
  Write("base/deeper/auth.yaml", kShared);
  const Loaded loaded = LoadMain("include: [base/shared.yaml]\nlimits: { memory_mb: 200 }\n");
  ASSERT_THAT(loaded.problems, IsEmpty()) << loaded.problems[0].problem;
  EXPECT_EQ(loaded.config.name, "shared");
  EXPECT_EQ(loaded.config.streams_parallel, 2);
  EXPECT_EQ(loaded.config.limits.disk_mb, 2048U);
  // A path in any of them is taken from the main file's folder.
  EXPECT_EQ(std::get<DuckDbDestination>(loaded.config.destination.kind).path,
            dir_.path() / "shared.duckdb");
}

TEST_F(IncludeTest, TellsAProblemByItsOwnFileAndLine) {
  Write("shared.yaml", std::string(kShared) + "  - table: people\n");
  const Problem problem = TheProblem("include: shared.yaml\nname: acme\n");
  EXPECT_EQ(problem.at.line, 9);
  EXPECT_EQ(problem.file, At("shared.yaml"));
  EXPECT_EQ(Place(At("sluice.yaml"), problem), At("shared.yaml") + ":9:12");
  EXPECT_THAT(ToError(At("sluice.yaml"), {problem}).info().message,
              HasSubstr(At("shared.yaml") + ":9:12"));
}

TEST_F(IncludeTest, TellsAFileThatIsNoYamlByItself) {
  Write("shared.yaml", std::string(kShared));
  Write("bad.yaml", "a: 1\nb: [\n");
  const auto problems = LoadMain("include: [shared.yaml, bad.yaml]\n").problems;
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems[0].file, At("bad.yaml"));
  Write("list.yaml", "- a\n");
  EXPECT_THAT(TheProblem("include: [shared.yaml, list.yaml]\n").problem,
              HasSubstr("not a group of fields"));
}

TEST_F(IncludeTest, RefusesACircleWithTheLineThatClosesIt) {
  Write("shared.yaml", "# first\ninclude: other.yaml\n" + std::string(kShared));
  Write("other.yaml", "include:\n  - shared.yaml\n");
  const Problem problem = TheProblem("include: shared.yaml\n");
  EXPECT_EQ(problem.field, "include");
  EXPECT_EQ(problem.file, At("other.yaml"));
  EXPECT_EQ(problem.at.line, 2);
  EXPECT_THAT(problem.problem, HasSubstr("shared.yaml -> other.yaml -> shared.yaml"));
  Write("shared.yaml", kShared);
  EXPECT_THAT(TheProblem("include: [shared.yaml, ./sluice.yaml]\n").problem,
              HasSubstr("a circle: sluice.yaml -> sluice.yaml"));
}

TEST_F(IncludeTest, RefusesWhatItCannotRead) {
  Write("shared.yaml", kShared);
  const auto with = [&](std::string_view more) {
    return TheProblem("name: x\ninclude:\n  - shared.yaml\n  - " + std::string(more) + "\n");
  };
  EXPECT_THAT(with("no.yaml").problem, HasSubstr("no.yaml, which does not exist"));
  EXPECT_EQ(with("no.yaml").at.line, 4);
  EXPECT_THAT(with(".").problem, HasSubstr("is a folder"));
  EXPECT_THAT(with("{ a: b }").problem, HasSubstr("is not the name of a file"));
  EXPECT_THAT(with("${NOT_SET}").problem, HasSubstr("NOT_SET"));
  EXPECT_THAT(with("shared.yaml").problem, HasSubstr("a second time"));
  EXPECT_THAT(with("/dev/null").problem, HasSubstr("is not a file"));
}

TEST_F(IncludeTest, RefusesEndlessFiles) {
  std::string text = "include:\n  - shared.yaml\n";
  Write("shared.yaml", kShared);
  for (std::size_t i = 1; i <= kIncludesMax; ++i) {
    const std::string name = "n" + std::to_string(i) + ".yaml";
    Write(name, "x-a: 1\n");
    text += "  - " + name + "\n";
  }
  EXPECT_THAT(TheProblem(text).problem, HasSubstr("more than 50 files"));
}

TEST_F(IncludeTest, WarnsOfReadersOfTheFileThatHoldsTheSecret) {
  const auto keys = Write("keys.yaml",
                          "auth:\n  access_key_id: AKIAIOSFODNN7EXAMPLE\n"
                          "  secret_access_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n");
  Write("shared.yaml", kShared);
  const std::string main = "include: [keys.yaml, shared.yaml]\n";
  EXPECT_THAT(LoadMain(main).config.warnings, IsEmpty());
  std::filesystem::permissions(keys, std::filesystem::perms(0644));
  const auto warnings = LoadMain(main).config.warnings;
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_EQ(warnings[0].file, keys.string());
  EXPECT_THAT(warnings[0].remedy, HasSubstr("chmod 600 " + keys.string()));
}

}  // namespace
}  // namespace sluice::config
