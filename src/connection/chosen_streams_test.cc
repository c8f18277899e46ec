// Goal: a pattern stands for the tables that a person means by it, what is new or gone is told once
// and right, and a table is the same stream whoever named it.
#include "connection/chosen_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connection/connection.h"
#include "sync/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::connection {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = sync::KnownTable::State;
using Listed = std::vector<redshift::TableInfo>;

config::Config Config(std::string_view streams) {
  auto loaded = config::Parse("name: acme\nstreams:\n" + std::string(streams), "sluice.yaml",
                              [](auto) { return std::nullopt; });
  return loaded.config;
}

Listed Tables(const std::vector<std::string>& names) {
  Listed listed;
  for (const auto& name : names) {
    listed.push_back({.name = std::get<model::TableName>(config::ParseTable(name)),
                      .type = name.ends_with("_v") ? "VIEW" : "TABLE",
                      .remarks = ""});
  }
  return listed;
}

std::vector<std::string> Names(const std::vector<model::Stream>& streams) {
  std::vector<std::string> names;
  for (const auto& stream : streams) names.push_back(stream.name);
  return names;
}
std::vector<std::string> Names(const std::vector<sync::TableNews>& news) {
  std::vector<std::string> names;
  for (const auto& one : news) names.push_back(one.stream);
  return names;
}

TEST(Choose, TakesWhatMatchesInTheOrderOfTheFile) {
  const auto config = Config(
      "  - table: hr.people\n"
      "  - tables: [\"sales.*\", \"web.*\"]\n    exclude: [\"*_tmp\", \"sales.audit_*\"]\n"
      "    schema_changes: fail\n"
      "  - { name: q, sql: SELECT 1 AS one }\n");
  const auto chosen = Choose(
      config,
      Tables({"sales.a", "sales.audit_1", "sales.b_tmp", "sales.c_v", "web.audit_1", "x.y"}), {});
  EXPECT_THAT(Names(chosen.streams), ElementsAre("hr.people", "sales.a", "web.audit_1", "q"));
  EXPECT_EQ(chosen.streams[1].table, (model::TableName{"sales", "a"}));
  EXPECT_EQ(chosen.streams[1].schema_policy, model::SchemaPolicy::kFail);
  EXPECT_FALSE(chosen.HasNews()) << "before the first sync nothing is new";
}

TEST(Choose, TakesViewsWhereTheyAreAskedForAndWhatNobodyTellsTheKindOf) {
  const auto listed = Tables({"s.t", "s.a_v"});
  EXPECT_THAT(Names(Choose(Config("  - { tables: \"s.*\", views: true }\n"), listed, {}).streams),
              ElementsAre("s.t", "s.a_v"));
  Listed unknown = listed;
  for (auto& table : unknown) table.type = "";
  EXPECT_THAT(Names(Choose(Config("  - tables: \"s.*\"\n"), unknown, {}).streams),
              ElementsAre("s.t", "s.a_v"));
}

TEST(Choose, NeverTakesTheSystemsTables) {
  const auto chosen = Choose(Config("  - tables: \"*.*\"\n"),
                             Tables({"pg_catalog.t", "information_schema.t", "s.t"}), {});
  EXPECT_THAT(Names(chosen.streams), ElementsAre("s.t"));
}

TEST(Choose, LeavesATableToTheStreamThatNamesIt) {
  const auto config = Config(
      "  - tables: \"sales.*\"\n"
      "  - { table: sales.orders, write_mode: append }\n"
      "  - { table: Sales.Items, name: things }\n"
      "  - { name: sales.totals, sql: SELECT 1 AS one }\n");
  const auto chosen =
      Choose(config, Tables({"sales.items", "sales.orders", "sales.other", "sales.totals"}), {});
  EXPECT_THAT(Names(chosen.streams),
              ElementsAre("sales.other", "sales.orders", "things", "sales.totals"));
  EXPECT_EQ(chosen.streams[1].write_mode, model::WriteMode::kAppend);
  EXPECT_THAT(chosen.no_match, IsEmpty());
}

TEST(Choose, LetsTheFirstOfTwoPatternsTakeATable) {
  const auto config =
      Config("  - { tables: \"sales.orders_*\", schema_changes: fail }\n  - tables: \"sales.*\"\n");
  const auto chosen = Choose(config, Tables({"sales.orders_1", "sales.x"}), {});
  ASSERT_THAT(Names(chosen.streams), ElementsAre("sales.orders_1", "sales.x"));
  EXPECT_EQ(chosen.streams[0].schema_policy, model::SchemaPolicy::kFail);
}

TEST(Choose, TellsAPatternThatChoosesNothing) {
  const auto config =
      Config("  - tables: [\"sales.*\", \"salse.*\", \"tmp.*\"]\n    exclude: \"tmp.*\"\n");
  const auto chosen = Choose(config, Tables({"sales.a", "tmp.b"}), {});
  EXPECT_THAT(chosen.no_match, ElementsAre("salse.*", "tmp.*"));
}

TEST(Choose, FollowsANewTableAndTellsIt) {
  const auto config = Config("  - tables: \"s.*\"\n");
  const auto first = Choose(config, Tables({"s.a"}), {});
  const auto second = Choose(config, Tables({"s.a", "s.b"}), first.known);
  EXPECT_THAT(Names(second.streams), ElementsAre("s.a", "s.b"));
  EXPECT_THAT(second.new_tables, ElementsAre(sync::TableNews{"s.b", "s.*"}));
  EXPECT_THAT(Choose(config, Tables({"s.a", "s.b"}), second.known).new_tables, IsEmpty());
}

TEST(Choose, OnlyTellsANewTableIfItIsAskedTo) {
  const auto tell = Config("  - { tables: \"s.*\", new_tables: tell }\n");
  const auto first = Choose(tell, Tables({"s.a"}), {});
  EXPECT_THAT(Names(first.streams), ElementsAre("s.a"));
  const auto second = Choose(tell, Tables({"s.a", "s.b"}), first.known);
  EXPECT_THAT(Names(second.streams), ElementsAre("s.a"));
  EXPECT_THAT(Names(second.not_taken), ElementsAre("s.b"));
  // Until somebody decides: by hand, or for all that are new.
  const auto third = Choose(tell, Tables({"s.a", "s.b"}), second.known);
  EXPECT_THAT(Names(third.not_taken), ElementsAre("s.b"));
  const auto by_hand = Config("  - { tables: \"s.*\", new_tables: tell }\n  - table: s.b\n");
  EXPECT_THAT(Choose(by_hand, Tables({"s.a", "s.b"}), second.known).not_taken, IsEmpty());
  const auto follow = Choose(Config("  - tables: \"s.*\"\n"), Tables({"s.a", "s.b"}), second.known);
  EXPECT_THAT(Names(follow.new_tables), ElementsAre("s.b"));
}

TEST(Choose, TellsOnceThatATableIsGoneAndTakesItAgainIfItComesBack) {
  const auto tell = Config("  - { tables: \"s.*\", new_tables: tell }\n");
  auto known = Choose(tell, Tables({"s.a", "s.b"}), {}).known;
  const auto without = Choose(tell, Tables({"s.a"}), known);
  EXPECT_THAT(without.gone, ElementsAre(sync::TableNews{"s.b", "s.*"}));
  known = without.known;
  EXPECT_THAT(Choose(tell, Tables({"s.a"}), known).gone, IsEmpty());
  const auto back = Choose(tell, Tables({"s.a", "s.b"}), known);
  EXPECT_THAT(Names(back.streams), ElementsAre("s.a", "s.b"));
  EXPECT_THAT(back.not_taken, IsEmpty());
}

TEST(Choose, CallsNothingGoneThatSomebodyTookOut) {
  const auto known = Choose(Config("  - tables: \"s.*\"\n"), Tables({"s.a", "s.b"}), {}).known;
  const auto excluded = Config("  - { tables: \"s.*\", exclude: s.b }\n");
  EXPECT_THAT(Choose(excluded, Tables({"s.a", "s.b"}), known).gone, IsEmpty());
  const auto no_pattern = Config("  - tables: \"t.*\"\n");
  EXPECT_THAT(Choose(no_pattern, Tables({"t.a"}), known).gone, IsEmpty());
  const auto by_hand = Config("  - tables: \"s.*\"\n  - table: s.b\n");
  EXPECT_THAT(Choose(by_hand, Tables({"s.a"}), known).gone, IsEmpty())
      << "its own stream fails, which tells enough";
}

TEST(Choose, APatternThatIsNewTakesAllThatIsThere) {
  const auto known = Choose(Config("  - tables: \"s.*\"\n"), Tables({"s.a"}), {}).known;
  const auto wider = Config("  - { tables: [\"s.*\", \"t.*\"], new_tables: tell }\n");
  const auto chosen = Choose(wider, Tables({"s.a", "s.b", "t.a"}), known);
  EXPECT_THAT(Names(chosen.streams), ElementsAre("s.a", "t.a"));
  EXPECT_THAT(Names(chosen.not_taken), ElementsAre("s.b"));
}

TEST(Choose, RefusesTwoTablesOfOneName) {
  const auto config = Config("  - tables: \"*.*\"\n");
  EXPECT_THAT(
      [&] {
        Choose(config, Tables({"\"a.b\".c", "a.\"b.c\""}), {});
      },
      test::ThrowsError(base::ErrorCode::kInvalidConfig));
}

TEST(RequireStreams, TellsThatNothingIsThereAndWhatMayBeMeant) {
  const auto config = Config("  - tables: \"salse.*\"\n");
  const auto listed = Tables({"sales.a"});
  try {
    RequireStreams(config, Choose(config, listed, {}), listed);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ErrorCode::kNotFound);
    EXPECT_EQ(error.info().reason, "no_match");
    EXPECT_THAT(error.info().subject, HasSubstr("salse.*"));
    EXPECT_THAT(error.info().remedy, HasSubstr("Did you mean schema sales?"));
  }
  RequireStreams(Config(""), {}, {});  // of no pattern: another's to tell
}

class OfflineTest : public testing::Test {
 protected:
  config::Config Of(std::string_view streams) const {
    auto config = Config(streams);
    config.folder = dir_.path();
    return config;
  }
  void Remember(const std::vector<sync::KnownTable>& known) {
    sync::Ledger(LedgerOf(Of("")), clock_).NoteTables(known);
  }
  test::TempDir dir_;
  test::FakeClock clock_;
};

TEST_F(OfflineTest, KnowsTheStreamsOfTheLastSync) {
  const auto config = Of("  - table: a.b\n  - tables: \"s.*\"\n");
  EXPECT_THAT(Names(KnownStreams(config)), ElementsAre("a.b"));
  Remember({{"s.*", {"s", "t"}, State::kTaken},
            {"s.*", {"s", "new"}, State::kTold},
            {"s.*", {"s", "old"}, State::kGone},
            {"x.*", {"x", "t"}, State::kTaken}});
  EXPECT_THAT(Names(KnownStreams(config)), ElementsAre("a.b", "s.t"));
}

TEST_F(OfflineTest, LetsReachWhatIsNotChosenAnyMore) {
  Remember({{"s.*", {"s", "old"}, State::kGone}, {"x.*", {"x", "t"}, State::kTaken}});
  {
    sync::Ledger ledger(LedgerOf(Of("")), clock_);
    ledger.BeginRun("r");
    ledger.AddAttempt({.run = "r", .stream = "was by hand", .attempt = "a", .prefix = "p"});
    ledger.SetCommitted("a", {});
  }
  const auto config = Of("  - tables: \"s.*\"\n");
  for (const std::string name : {"s.old", "x.t", "was by hand", "s.not_synced_yet"}) {
    EXPECT_THAT(ResettableStreams(config, {name}), testing::Contains(name));
  }
  EXPECT_THAT(ResettableStreams(config, {"y.t"}), testing::Not(testing::Contains("y.t")));
}

TEST(SchemasOfPatterns, AreThoseWithoutASign) {
  EXPECT_THAT(SchemasOfPatterns(Config("  - tables: [\"Sales.*\", \"*.x\", '\"A.b\".*']\n")),
              ElementsAre("Sales", "A.b"));
}

}  // namespace
}  // namespace sluice::connection
