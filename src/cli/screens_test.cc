// Goal: what a newcomer reads, word for word: calm when all is right, and when it is not, what
// failed, what it concerns and what to do. Without a terminal, so no colour; colour is tested
// apart.
#include "cli/screens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/text_table.h"
#include "cli/units.h"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr Style kNoStyle{};

sync::StreamResult Good(std::string name, std::uint64_t rows, std::uint64_t bytes) {
  sync::StreamResult stream;
  stream.stream = std::move(name);
  stream.proof = {.notice_rows = rows,
                  .manifest_rows = rows,
                  .footer_rows = rows,
                  .loaded_rows = rows,
                  .parts = 1,
                  .manifest_bytes = bytes,
                  .fetched_bytes = bytes};
  stream.bytes = bytes;
  stream.duration = milliseconds(3210);
  return stream;
}

sync::StreamResult Bad(std::string name, base::ErrorCode code, std::string message,
                       std::string subject = "") {
  sync::StreamResult stream;
  stream.stream = std::move(name);
  stream.duration = milliseconds(400);
  stream.error = base::ErrorInfo{.code = code,
                                 .operation = "UNLOAD",
                                 .subject = std::move(subject),
                                 .message = std::move(message),
                                 .remedy =
                                     "GRANT USAGE ON SCHEMA \"hr\" TO \"IAMR:reader\";\n"
                                     "GRANT SELECT ON ALL TABLES IN SCHEMA \"hr\" TO "
                                     "\"IAMR:reader\";"};
  return stream;
}

TEST(SyncScreen, AllStreamsDone) {
  sync::RunResult result{.run = "20260101T000000Z-1",
                         .streams = {Good("sales.orders", 60175, 12'100'000), Good("b", 5, 999)},
                         .duration = milliseconds(4000)};
  EXPECT_EQ(SyncScreen(result, "DuckDB file acme.duckdb", kNoStyle),
            R"(    stream          rows    bytes  seconds  proof
 +  sales.orders  60,175  12.1 MB      3.2  unload 60175 = manifest 60175 = footers 60175 = loaded 60175
 +  b                  5    999 B      3.2  unload 5 = manifest 5 = footers 5 = loaded 5

2 streams into DuckDB file acme.duckdb: 60,180 rows, 12.1 MB in 4.0 s (15,045 rows/s)
run 20260101T000000Z-1
)");
}

TEST(SyncScreen, WithoutANoticeTheProofBeginsAtTheManifest) {
  auto stream = Good("a", 7, 10);
  stream.proof.notice_rows.reset();
  EXPECT_THAT(SyncScreen({.run = "r", .streams = {stream}}, "d", kNoStyle),
              HasSubstr("  manifest 7 = footers 7 = loaded 7\n"));
}

TEST(SyncScreen, FailuresAreToldBeneathTheTableTheSameOnesTogether) {
  sync::RunResult result{
      .run = "r",
      .streams = {Good("a", 5, 999),
                  Bad("hr.pay", base::ErrorCode::kPermission, "permission denied for schema hr"),
                  Bad("hr.team", base::ErrorCode::kPermission, "permission denied for schema hr")},
      .duration = milliseconds(20)};
  EXPECT_EQ(SyncScreen(result, "d", kNoStyle),
            R"(    stream   rows  bytes  seconds  proof
 +  a           5  999 B      3.2  unload 5 = manifest 5 = footers 5 = loaded 5
 !  hr.pay                    0.4  failed: permission
 !  hr.team                   0.4  failed: permission

1 of 3 streams into d: 5 rows, 999 B in 0.0 s
run r

error: streams hr.pay, hr.team  (permission)
    seen    UNLOAD: permission denied for schema hr
    do      GRANT USAGE ON SCHEMA "hr" TO "IAMR:reader";
            GRANT SELECT ON ALL TABLES IN SCHEMA "hr" TO "IAMR:reader";
)");
}

TEST(SyncScreen, InterruptedAndLeftBehind) {
  auto stopped = Bad("a", base::ErrorCode::kCancelled, "stopped before it finished");
  stopped.left_behind = {"s3://acme/sluice/x/part"};
  stopped.warnings = {"odd"};
  const std::string text =
      SyncScreen({.run = "r", .streams = {stopped}, .interrupted = true}, "d", kNoStyle);
  EXPECT_THAT(text, HasSubstr(" !  a                        0.4  stopped\n"));
  EXPECT_THAT(text, HasSubstr("warning: a: odd\n"));
  EXPECT_THAT(text, HasSubstr("Still in the bucket, because it could not be removed:\n"
                              "    s3://acme/sluice/x/part\n"));
  EXPECT_THAT(text, HasSubstr("Interrupted. Streams that were stopped are at the destination as "
                              "they were before.\n"));
  EXPECT_THAT(text, Not(HasSubstr("error:"))) << "Ctrl-C is nobody's error";
}

TEST(SyncScreen, WhatCameFromAnEarlierSyncAndWhatIsKeptForTheNext) {
  auto adopted = Good("a", 7, 10);
  adopted.adopted_from = base::UtcTime(std::chrono::seconds(1767225600));
  adopted.attempts = 2;
  auto doubtful = Bad("b", base::ErrorCode::kUnreachable, "gone");
  doubtful.kept = {"s3://acme/sluice/acme/r/b/1-x/"};
  const std::string text = SyncScreen({.run = "r", .streams = {adopted, doubtful}}, "d", kNoStyle);
  EXPECT_THAT(text, HasSubstr("   a  from an UNLOAD of 2026-01-01 00:00 UTC that an earlier sync "
                              "had paid for, at attempt 2\n"));
  EXPECT_THAT(text, HasSubstr("Kept in the bucket, as it was paid for:\n"
                              "    s3://acme/sluice/acme/r/b/1-x/\n"));
}

TEST(SyncScreen, ErrorThatConcernsMoreThanTheStreamNamesBoth) {
  const auto bad = Bad("a", base::ErrorCode::kNoSpace, "no space left", "/var/parts");
  EXPECT_THAT(SyncScreen({.run = "r", .streams = {bad}}, "d", kNoStyle),
              HasSubstr("error: stream a, /var/parts  (no_space)\n"));
}

TEST(ErrorScreen, TellsWhatSeenAndWhatToDo) {
  EXPECT_EQ(ErrorScreen({.code = base::ErrorCode::kUnreachable,
                         .operation = "log in",
                         .subject = "workgroup analytics",
                         .message = "connection refused",
                         .remedy = "Open the port.\nThen again.",
                         .in_doubt = true,
                         .cause = "errno 111"},
                        kNoStyle),
            R"(error: workgroup analytics  (unreachable)
    seen    log in: connection refused
    cause   errno 111
    do      Open the port.
            Then again.
    note    it is not known whether this took effect; the next sync finds out
)");
}

TEST(ErrorScreen, NamesFromOutsideCannotSteerTheTerminal) {
  const std::string text = ErrorScreen({.operation = "x",
                                        .message = "a\x1b[2J\xC2\x9B"
                                                   "b",
                                        .remedy = "r\x07"},
                                       kNoStyle);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("a\\u001b[2J\\u009bb"));
}

TEST(ProblemsScreen, TellsPlaceProblemAndRemedy) {
  EXPECT_EQ(ProblemsScreen("sluice.yaml",
                           {{.field = "redshift.prot",
                             .at = {4, 3},
                             .problem = "is not a field that Sluice knows",
                             .remedy = "Did you mean port?"},
                            {.problem = "is empty", .remedy = "Fill it."}},
                           kNoStyle),
            R"(sluice.yaml has 2 problems

error: redshift.prot is not a field that Sluice knows
    at sluice.yaml:4:3
    Did you mean port?

error: the file is empty
    at sluice.yaml
    Fill it.
)");
}

check::Finding Finding(check::Step step, check::Severity severity, std::string seen,
                       std::string subject = "") {
  check::Finding finding{.step = step, .severity = severity};
  finding.seen = std::move(seen);
  finding.subject = std::move(subject);
  if (severity == check::Severity::kFailure) {
    finding.why = "It matters.";
    finding.remedy = "Do this.\nAnd that.";
  }
  return finding;
}

TEST(CheckScreen, ListsFindingsAndFoldsReadableStreams) {
  using check::Severity;
  using check::Step;
  FindingPrinter printer(3, kNoStyle);
  std::string text;
  for (const auto& finding :
       {Finding(Step::kIdentity, Severity::kOk, "arn:x"),
        Finding(Step::kStreams, Severity::kOk, "2 columns can be read", "stream a"),
        Finding(Step::kStreams, Severity::kFailure, "permission denied", "stream b"),
        Finding(Step::kStreams, Severity::kOk, "3 columns can be read", "stream c"),
        Finding(Step::kUnload, Severity::kSkipped, "not checked: needs Log-in")}) {
    text += printer.Add(finding);
  }
  EXPECT_EQ(text + printer.Rest(), R"(  ok   AWS identity          arn:x
  FAIL Streams               stream b: permission denied
    why     It matters.
    do      Do this.
            And that.
  ok   Streams               2 of 3 streams can be read
  --   UNLOAD                not checked: needs Log-in
)");
}

TEST(CheckScreen, OneReadableStreamKeepsItsOwnWords) {
  FindingPrinter printer(1, kNoStyle);
  printer.Add(
      Finding(check::Step::kStreams, check::Severity::kOk, "2 columns can be read", "stream a"));
  EXPECT_THAT(printer.Rest(), HasSubstr("stream a: 2 columns can be read"));
  EXPECT_EQ(printer.Rest(), "");
}

TEST(CheckScreen, EndsWithTheVerdict) {
  check::Findings findings{.findings = {Finding(check::Step::kLogin, check::Severity::kOk, "")},
                           .duration = milliseconds(1500)};
  EXPECT_EQ(CheckFooter(findings, kNoStyle),
            "\nReady. Next: sluice sync\n0 failures, 0 warnings, 1 ok, in 1.5 s\n");
  findings.findings.push_back(Finding(check::Step::kLogin, check::Severity::kFailure, ""));
  EXPECT_THAT(CheckFooter(findings, kNoStyle), HasSubstr("1 problem: Log-in: "));
  findings.interrupted = true;
  EXPECT_THAT(CheckFooter(findings, kNoStyle), HasSubstr("Interrupted"));
}

TEST(DiscoverScreen, ListsColumnsKeysAndWhatCannotBeRead) {
  connection::DiscoveredTable table{.name = {"sales", "orders"}, .type = "TABLE"};
  table.columns = {{"order_id", {.kind = model::TypeKind::kInt64}, false},
                   {"total", {.kind = model::TypeKind::kDecimal, .precision = 18, .scale = 2}}};
  table.unknown = {{"sketch", "hllsketch"}};
  table.primary_key = {"order_id"};
  table.configured = true;
  EXPECT_EQ(DiscoverScreen({{.name = "sales", .type = "local", .tables = {table}}}, kNoStyle),
            R"(sales

  sales.orders  TABLE, full_refresh, overwrite  configured
      order_id  bigint         key
      total     decimal(18,2)
      sketch    hllsketch      cannot be read

1 table in 1 schema. Keys are as declared; Redshift does not enforce them.
)");
  EXPECT_THAT(DiscoverScreen({}, kNoStyle), HasSubstr("No schema is visible"));
}

TEST(PlanScreen, TellsWhereItGoesAndWhatIsRead) {
  sync::StreamPlan plan;
  plan.stream.name = "sales.orders";
  plan.target.table = {"landing", "orders"};
  plan.target.columns = {{"a", {}}};
  plan.select = "SELECT \"a\" AS \"a\" FROM \"sales\".\"orders\"";
  plan.stream.table = model::TableName{"sales", "orders"};
  plan.landing = model::Landing{.table = model::Landing::Table::kKeep,
                                .columns = {{"a", "BIGINT"}, {"longer", "VARCHAR"}},
                                .changes = {"column a is new"}};
  plan.notes = {"be aware"};
  EXPECT_EQ(PlanScreen({{.stream = plan.stream, .plan = plan},
                        {.stream = {.name = "q"},
                         .error = base::ErrorInfo{.code = base::ErrorCode::kNotFound,
                                                  .message = "no such column",
                                                  .remedy = "Correct it."}}},
                       "DuckDB file x", kNoStyle),
            R"(sales.orders  full_refresh, overwrite
    into    landing.orders, 1 column, which stays
            a       BIGINT
            longer  VARCHAR
    differs column a is new
    note: be aware
    needs   USAGE ON SCHEMA "sales"
            SELECT ON "sales"."orders"
    reads   SELECT "a" AS "a" FROM "sales"."orders"

q  full_refresh, overwrite
    failed  no such column (not_found)
    fix     Correct it.

1 stream would be synced into DuckDB file x. Nothing was read or written.
1 stream would fail
)");
}

TEST(Style, ColourIsForPeopleOnly) {
  const Style colour{.colour = true, .unicode = true};
  EXPECT_EQ(colour.Red("x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(kNoStyle.Red("x"), "x");
  EXPECT_EQ(Width(colour.Red("äx")), 2U);
  EXPECT_EQ(Shorten("äöüß", 3, colour), "äö…");
  EXPECT_EQ(Shorten("abcd", 4, kNoStyle), "abcd");
}

TEST(Wrap, BreaksSentencesAndKeepsStatementsWhole) {
  EXPECT_EQ(Wrap("One two three four. Five.", 10), "One two\nthree\nfour.\nFive.");
  EXPECT_EQ(Wrap("GRANT USAGE ON SCHEMA s TO u;", 10), "GRANT USAGE ON SCHEMA s TO u;");
  EXPECT_EQ(Wrap("  indented. Stays.", 10), "  indented. Stays.");
  EXPECT_EQ(Wrap("Unbreakable.Word.Of.Great.Length.", 10), "Unbreakable.Word.Of.Great.Length.");
  EXPECT_EQ(Wrap("short.\n\nlines.", 10), "short.\n\nlines.");
}

TEST(TextTable, AlignsByWidthNotByBytes) {
  TextTable table("lr");
  table.Add({"ä", "1"});
  table.Add({"bb", "22"});
  EXPECT_EQ(table.Text(), "ä    1\nbb  22\n");
}

TEST(Units, ReadAsPeopleWriteThem) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1'000'000), "1,000,000");
  EXPECT_EQ(Bytes(999), "999 B");
  EXPECT_EQ(Bytes(1000), "1.0 kB");
  EXPECT_EQ(Bytes(999'949), "999.9 kB");
  EXPECT_EQ(Bytes(999'950), "1.0 MB");
  EXPECT_EQ(Bytes(3'400'000'000), "3.40 GB");
  EXPECT_EQ(Clocked(std::chrono::seconds(3723)), "1:02:03");
  EXPECT_EQ(Clocked(std::chrono::seconds(7)), "0:07");
  EXPECT_EQ(Count(1, "row"), "1 row");
}

// A name that begins a line of its own with a mark of ours.
TEST(Screens, NoNameShapesThem) {
  const std::string evil = "o\n✓ Ready.\x1b[2J\u202E";
  const Style plain{.unicode = true};
  connection::DiscoveredSchema schema{.name = evil, .type = evil};
  schema.tables.push_back({.name = {evil, evil}, .type = evil, .columns = {{evil, {}}}});
  schema.tables[0].unknown = {{evil, evil}};
  check::Finding finding{.severity = check::Severity::kFailure,
                         .subject = "stream " + evil,
                         .seen = evil,
                         .why = "w",
                         .remedy = "GRANT SELECT ON \"" + evil + "\" TO u",
                         .title = "t"};
  sync::RunResult result{.run = "r"};
  result.streams.push_back({.stream = evil, .target = {evil, evil}, .warnings = {evil}});
  result.streams[0].error = base::ErrorInfo{.code = base::ErrorCode::kSource,
                                            .operation = evil,
                                            .subject = evil,
                                            .message = evil,
                                            .remedy = "r",
                                            .cause = evil};
  result.streams[0].left_behind = {evil};
  for (const std::string& screen :
       {DiscoverScreen({schema}, plain), FindingScreen(finding, plain),
        SyncScreen(result, evil, plain), ErrorScreen(*result.streams[0].error, plain),
        ProblemsScreen(evil, {{.field = evil, .problem = evil, .remedy = "r"}}, plain)}) {
    EXPECT_THAT(screen, Not(HasSubstr("\n✓ Ready."))) << screen;
    EXPECT_THAT(screen, Not(HasSubstr("\x1b"))) << screen;
    EXPECT_THAT(screen, Not(HasSubstr("\u202E"))) << screen;
    EXPECT_THAT(screen, HasSubstr("\\u202e")) << screen;
  }
}

}  // namespace
}  // namespace sluice::cli
