// Goal: a stream that a sync would refuse is refused by the check, in the sync's own words and with
// what to write instead; and no more statements are sent than that takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "check/steps.h"
#include "check/testing/check_fixture.h"

namespace sluice::check {
namespace {

using redshift::testing::Contains;
using redshift::testing::StartsWith;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(Check, ColumnsThatAStreamNeedsAndDoesNotHave) {
  using model::WriteMode;
  model::Stream& stream = options_.streams.front();
  const auto told = [&](std::string_view id) {
    const Findings findings = Run();
    EXPECT_THAT(Bad(findings), ElementsAre(id));
    return Find(findings, id);
  };
  stream.write_mode = WriteMode::kMerge;
  stream.primary_key = {"b"};
  Finding finding = told("streams.column_missing");
  EXPECT_EQ(finding.subject, "stream q");
  EXPECT_THAT(finding.why, HasSubstr("primary_key names b"));
  EXPECT_THAT(finding.remedy, HasSubstr("primary_key: [a]"));
  stream.primary_key = {"a"};
  stream.deletes.column = "gone";
  EXPECT_THAT(told("streams.column_missing").why, HasSubstr("deletes.column names gone"));
  stream.deletes = {};
  stream.cursor = "b";
  EXPECT_THAT(told("streams.column_missing").why, HasSubstr("cursor names b")) << "it breaks ties";
  stream.sync_mode = model::SyncMode::kIncremental;
  EXPECT_THAT(told("streams.column_missing").remedy, HasSubstr("Follow one of: a"));
  stream.cursor = "a";
  stream.split = model::Split{.pieces = 2, .column = "b"};
  EXPECT_THAT(told("streams.column_missing").why, HasSubstr("split.column names b"));
  stream.split.reset();
  EXPECT_THAT(Bad(Run()), IsEmpty());
}

TEST_F(Check, NamesThatAreNotNeededAreWarnedAboutOnly) {
  model::Stream& stream = options_.streams.front();
  stream.primary_key = {"b"};
  stream.cursor = "a";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("streams.column_ignored"));
  EXPECT_EQ(findings.Count(Severity::kFailure), 0U);
  stream.split = model::Split{.pieces = 2, .column = std::nullopt};
  EXPECT_THAT(Bad(Run()), ElementsAre("streams.column_missing")) << "pieces are cut by the key";
}

TEST_F(Check, TypesThatCannotBeFollowedOrCut) {
  workgroup_->When(Contains("LIMIT 0")).Describes({{"a", 23, -1}, {"f", 701, -1}, {"t", 25, -1}});
  model::Stream& stream = options_.streams.front();
  stream.sync_mode = model::SyncMode::kIncremental;
  stream.write_mode = model::WriteMode::kAppend;
  stream.cursor = "f";
  EXPECT_THAT(Bad(Run()), ElementsAre("streams.cursor_type"));
  stream.cursor = "a";
  stream.split = model::Split{.pieces = 2, .column = "f"};
  EXPECT_THAT(Bad(Run()), ElementsAre("streams.split_type"));
}

TEST_F(Check, WhatOneFindingTellsStandsInNoOther) {
  const CheckParts parts{.clock = clock_, .store = store_};
  Checker checker(options_, parts, {});
  checker.Report("streams.no_table", "seen", "stream a", {{"schema", "s"}, {"table", "orders"}});
  checker.Report("streams.no_table", "seen", "stream b");
  EXPECT_THAT(checker.findings.at(0).why, HasSubstr("Schema s has no table orders"));
  EXPECT_THAT(checker.findings.at(1).why, HasSubstr("Schema <schema> has no table <table>"));
  // What the configuration says holds for both, and nothing else outlives its finding.
  EXPECT_EQ(checker.Known().at("bucket"), "acme-staging");
  EXPECT_FALSE(checker.Known().contains("table"));
}

TEST_F(Check, TwoStreamsWithOneTarget) {
  AddStream("Q");
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("configuration.one_target"));
  EXPECT_THAT(Find(findings, "configuration.one_target").seen, HasSubstr("as stream q does"));
}

TEST_F(Check, WatermarkOfAnotherCursor) {
  model::Stream& stream = options_.streams.front();
  stream.sync_mode = model::SyncMode::kIncremental;
  stream.write_mode = model::WriteMode::kAppend;
  stream.cursor = "a";
  arrange_ = [](auto& destination) {
    destination.Restore({{"q", {.rows = 1, .watermark = {.value = "7", .cursor = "other"}}}});
  };
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("streams.other_cursor"));
  EXPECT_THAT(Find(findings, "streams.other_cursor").remedy, HasSubstr("sluice sync q --full"));
}

TEST_F(Check, WhatTheDestinationSaysOfATargetIsToldInItsStep) {
  AddStream("r");
  base::ErrorInfo taken = Refused("a view of that name exists");
  arrange_ = [&](auto& destination) {
    destination.before = [&](const std::string& step, const std::string& stream) {
      if (step == "examine" && stream == "q") throw base::Error(taken);
    };
  };
  EXPECT_THAT(Bad(Run()), ElementsAre("destination.failed"));
  EXPECT_EQ(std::count(told_.begin(), told_.end(), "streams.ok"), 2);
  EXPECT_EQ(told_.back(), "destination.failed");
  for (const std::string reason :
       {"name_taken", "reserved_schema", "schema_change", "names_clash", "history_table"}) {
    taken.reason = reason;
    taken.remedy = "rename it";
    const Finding finding = Find(Run(), "destination." + reason);
    EXPECT_EQ(finding.remedy, "rename it");
    EXPECT_EQ(finding.subject, "stream q");
  }
}

TEST_F(Check, FolderForPartsThatCannotBeUsed) {
  options_.sync.work_dir = "/proc/version/parts";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("local.work_dir"));
  EXPECT_THAT(Find(findings, "local.work_dir").remedy, HasSubstr("limits.work_dir"));
}

TEST_F(Check, LedgerThatASyncCouldNotOpen) {
  EXPECT_THAT(Bad(Run()), IsEmpty()) << "the next sync makes it";
  EXPECT_FALSE(std::filesystem::exists(options_.sync.ledger));
  std::ofstream(options_.sync.ledger) << "my notes, of more than a few letters";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("local.ledger_corrupt"));
  EXPECT_FALSE(Find(findings, "local.ledger_corrupt").remedy.empty());
}

TEST_F(Check, CauseOfAFailureIsKept) {
  identity_error_ = Refused("the connection broke");
  identity_error_->cause = "CONNECT tunnel failed, response 407";
  EXPECT_EQ(Find(Run(), "identity.failed").cause, "CONNECT tunnel failed, response 407");
  identity_error_->reason = "trust_refused";
  EXPECT_EQ(Find(Run(), "identity.trust_refused").cause, "CONNECT tunnel failed, response 407");
  identity_error_->cause = identity_error_->message;
  EXPECT_EQ(Find(Run(), "identity.trust_refused").cause, "") << "it says no more";
}

// -- rights -------------------------------------------------------------------------------------

TEST_F(CheckTable, ReadableTableCostsNoFurtherStatement) {
  Row("schema", "s", "", "", "yes");
  Row("table", "s", "t", "owner", "yes");
  Row("column", "s", "t", "a", "YES", "integer");
  EXPECT_EQ(Judge().id, "streams.ok");
  EXPECT_EQ(workgroup_->statements().size(), 3U) << "who am I, the catalog, UNLOAD";
}

TEST_F(CheckTable, ViewIsProvenByReadingItsEmptySelect) {
  Row("schema", "s", "", "", "yes");
  Row("table", "s", "t", "owner", "yes", "", "2");
  Row("column", "s", "t", "a", "YES", "integer");
  const auto judged = [&](const std::optional<base::ErrorInfo>& refusal) {
    workgroup_ = std::make_shared<redshift::testing::FakeWorkgroup>();
    workgroup_->When(StartsWith("SELECT schema_name, table_name, column_name"))
        .Rows(ColumnNames(), {{"s", "t", "a", "1", "YES", "integer", {}, {}, {}, {}}});
    if (refusal) workgroup_->When(Contains(R"(FROM "s"."t")")).Fails(*refusal);
    return Judge();
  };
  EXPECT_EQ(judged(std::nullopt).id, "streams.ok");
  Finding finding = judged(Gone("no_table"));
  EXPECT_EQ(finding.id, "streams.view_broken");
  EXPECT_THAT(finding.remedy, HasSubstr(R"(SHOW VIEW "s"."t")"));
  finding = judged(Refused("no USAGE on raw"));
  EXPECT_EQ(finding.id, "streams.view_denied");
  EXPECT_EQ(finding.remedy, "allow it");
}

TEST_F(CheckTable, EachMissingGrantIsToldApart) {
  EXPECT_EQ(Judge().id, "streams.no_schema");
  Row("schema", "sales", "", "", "yes");
  EXPECT_THAT(Judge().remedy, HasSubstr("sales"));
  Row("schema", "s", "", "", "no");
  Row("table", "s", "t", "owner", "no");
  Finding finding = Judge();
  EXPECT_EQ(finding.id, "streams.no_usage");
  EXPECT_THAT(finding.remedy, HasSubstr(R"(GRANT USAGE ON SCHEMA "s" TO "IAMR:reader")"));
  EXPECT_THAT(finding.why, HasSubstr("This user may use sales"));
  rows_[1][4] = "yes";
  finding = Judge();
  EXPECT_EQ(finding.id, "streams.no_select");
  EXPECT_THAT(finding.remedy, HasSubstr(R"(GRANT SELECT ON TABLE "s"."t" TO "IAMR:reader")"));
  Row("sibling", "s", "old", "", "");
  finding = Judge();
  EXPECT_EQ(finding.id, "streams.later_table");
  EXPECT_THAT(finding.remedy,
              HasSubstr(R"(ALTER DEFAULT PRIVILEGES FOR USER "owner" IN SCHEMA "s")"));
  Row("other", "s", "t", "reader", "");
  finding = Judge();
  EXPECT_EQ(finding.id, "streams.granted_to_other");
  EXPECT_THAT(finding.why, AllOf(HasSubstr(R"("reader")"), HasSubstr(R"("IAMR:reader")")));
}

TEST_F(CheckTable, MissingTableNamesTheNearest) {
  Row("schema", "s", "", "", "yes");
  workgroup_->When(Contains("svv_all_tables"))
      .Rows({"schema_name", "table_name", "table_type", "remarks"}, {{"s", "tt", "TABLE", ""}});
  const Finding finding = Judge();
  EXPECT_EQ(finding.id, "streams.no_table");
  EXPECT_THAT(finding.remedy, HasSubstr("Did you mean s.tt?"));
}

TEST_F(CheckTable, ColumnGrantsAreAFailureUnlessTheStreamAsksForNoMore) {
  Row("schema", "s", "", "", "yes");
  Row("table", "s", "t", "owner", "no");
  Row("attribute", "s", "t", "a", "");
  Row("attribute", "s", "t", "b", "");
  Row("column", "s", "t", "a", "YES", "integer");
  const Finding finding = Judge();
  EXPECT_EQ(finding.id, "streams.column_grants");
  EXPECT_THAT(finding.remedy, HasSubstr("columns: [a]"));
  EXPECT_THAT(finding.why, HasSubstr("b would be left out"));
  options_.streams.front().columns = {"a"};
  EXPECT_EQ(Judge().id, "streams.ok");
}

TEST_F(CheckTable, RoleThatGaveNoRightsIsTold) {
  options_.tag_db_roles = "sluice_read:other";
  Row("schema", "s", "", "", "no");
  const Finding finding = Judge();
  EXPECT_EQ(finding.id, "streams.roles_ignored");
  EXPECT_THAT(finding.remedy, AllOf(HasSubstr(R"(CREATE ROLE "sluice_read";)"),
                                    HasSubstr(R"(TO ROLE "sluice_read";)")));
}

TEST_F(CheckTable, WorkgroupThatRefusesTheQuestionIsAskedTableByTable) {
  workgroup_->When(Contains("pg_namespace")).Fails(Refused("no such function"));
  workgroup_->When(Contains("svv_all_columns"))
      .Rows(ColumnNames(), {{"s", "t", "a", "1", "YES", "integer", {}, {}, {}, {}}});
  workgroup_->When(Contains(R"(FROM "s"."t")")).Describes({{"a", 23, -1}});
  EXPECT_EQ(Judge().id, "streams.ok");
}

}  // namespace
}  // namespace sluice::check
