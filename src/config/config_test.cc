// Goal: a person who got one field wrong reads which field, in which line, and what to write; and
// what is right is taken as it stands.
#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "base/descriptor.h"
#include "tests/support/temp_dir.h"

namespace sluice::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kGood = R"(name: acme
redshift:
  workgroup: analytics
  host: analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com
  port: 5440
  database: dev
  username: "IAMR:sluice-reader"
staging: { bucket: acme-sluice-staging, region: us-east-1, root: sluice }
auth:
  role_arn: arn:aws:iam::123456789012:role/sluice-reader
  external_id: "${SLUICE_EXTERNAL_ID}"
destination: { type: duckdb, path: acme.duckdb, schema: sales }
defaults: { sync_mode: incremental, write_mode: merge, overlap: 10m }
streams:
  - table: sales.orders
    primary_key: [order_id]
    cursor: updated_at
    deletes: { column: is_deleted }
  - table: sales.countries
    sync_mode: full_refresh
  - name: big_spenders
    sql: "SELECT customer_id, sum(total) AS total FROM sales.orders GROUP BY 1;\n"
)";

Environment Variables(std::map<std::string, std::string, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto at = values.find(name);
    return at == values.end() ? std::nullopt : std::optional(at->second);
  };
}

Loaded ParseText(std::string_view text) {
  return Parse(text, "/etc/acme/sluice.yaml", Variables({{"SLUICE_EXTERNAL_ID", "ext-42"}}));
}

// kGood with the first `from` replaced.
std::string With(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

auto ProblemAt(std::string_view field, int line) {
  return AllOf(Field("field", &Problem::field, std::string(field)),
               Field("line", &Problem::at, Field(&Position::line, line)),
               Field("problem", &Problem::problem, Not(IsEmpty())),
               Field("remedy", &Problem::remedy, Not(IsEmpty())));
}

TEST(Config, TakesTheWholeExample) {
  const Loaded loaded = ParseText(kGood);
  ASSERT_THAT(loaded.problems, IsEmpty()) << loaded.problems[0].problem;
  const Config& config = loaded.config;
  EXPECT_EQ(config.name, "acme");
  EXPECT_EQ(config.redshift.workgroup, "analytics");
  EXPECT_EQ(config.redshift.port, 5440);
  EXPECT_EQ(config.redshift.username, "IAMR:sluice-reader");
  EXPECT_EQ(config.staging.root, "sluice/") << "the last slash is added";
  const auto& role = std::get<RoleAuth>(config.auth);
  EXPECT_EQ(role.role_arn, "arn:aws:iam::123456789012:role/sluice-reader");
  EXPECT_EQ(role.external_id->Reveal(), "ext-42");
  EXPECT_EQ(std::get<DuckDbDestination>(config.destination.kind).path, "/etc/acme/acme.duckdb");
  EXPECT_EQ(config.streams_parallel, 4);
  ASSERT_THAT(config.streams, SizeIs(3));
  const StreamConfig& orders = config.streams[0];
  EXPECT_EQ(orders.stream.name, "sales.orders");
  EXPECT_EQ(orders.stream.table, (model::TableName{"sales", "orders"}));
  EXPECT_EQ(orders.stream.sync_mode, model::SyncMode::kIncremental);
  EXPECT_EQ(orders.stream.write_mode, model::WriteMode::kMerge);
  EXPECT_EQ(orders.stream.overlap, std::chrono::minutes(10));
  EXPECT_EQ(orders.stream.deletes.column, "is_deleted");
  EXPECT_EQ(orders.field, "streams[0]");
}

TEST(Config, DefaultsHoldOnlyForStreamsTheyCanHoldFor) {
  const auto& streams = ParseText(kGood).config.streams;
  ASSERT_THAT(streams, SizeIs(3));
  // No cursor of its own, so the incremental default cannot be meant.
  EXPECT_EQ(streams[2].stream.sync_mode, model::SyncMode::kFullRefresh);
  for (const auto i : {1U, 2U}) {
    EXPECT_EQ(streams[i].stream.write_mode, model::WriteMode::kOverwrite) << i;
  }
  EXPECT_EQ(streams[2].stream.sql,
            "SELECT customer_id, sum(total) AS total FROM sales.orders GROUP BY 1");
}

TEST(Config, ADefaultOfHistoryHoldsForStreamsWithAKey) {
  const auto& streams = ParseText(With("write_mode: merge", "write_mode: history")).config.streams;
  ASSERT_THAT(streams, SizeIs(3));
  EXPECT_EQ(streams[0].stream.write_mode, model::WriteMode::kHistory);
  EXPECT_EQ(streams[0].stream.deletes.column, "is_deleted");
  EXPECT_EQ(streams[1].stream.write_mode, model::WriteMode::kOverwrite);
}

TEST(Config, SplitsBySize) {
  const auto& streams =
      ParseText(With("deletes: { column: is_deleted }", "split: auto")).config.streams;
  ASSERT_THAT(streams, SizeIs(3));
  ASSERT_TRUE(streams[0].stream.split);
  EXPECT_TRUE(streams[0].stream.split->by_size);
  EXPECT_FALSE(streams[1].stream.split);
}

struct BadCase {
  std::string name;
  std::string from, to;
  std::string field;
  int line;
  std::string words;  // in problem or remedy
};

class BadField : public testing::TestWithParam<BadCase> {};

TEST_P(BadField, IsToldByFieldLineAndRemedy) {
  const BadCase& bad = GetParam();
  const Loaded loaded = ParseText(With(bad.from, bad.to));
  ASSERT_THAT(loaded.problems, SizeIs(1)) << ToError("f", loaded.problems).what();
  EXPECT_THAT(loaded.problems[0], ProblemAt(bad.field, bad.line));
  EXPECT_THAT(loaded.problems[0].problem + "\n" + loaded.problems[0].remedy, HasSubstr(bad.words));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadField,
    testing::Values(
        BadCase{"Name", "name: acme", "name: ac me", "name", 1, "\"ac me\""},
        BadCase{"Workgroup", "analytics\n", "Analytics\n", "redshift.workgroup", 3, "lower-case"},
        BadCase{"PortWord", "5440", "five", "redshift.port", 5, "from 1 to 65535"},
        BadCase{"PortRange", "5440", "70000", "redshift.port", 5, "70000"},
        BadCase{"PortZero", "5440", "0", "redshift.port", 5, "5439"},
        BadCase{"HostBlank", "analytics.1234", "analytics 1234", "redshift.host", 4, "endpoint"},
        BadCase{"Database", "database: dev", "database: 1/dev", "redshift.database", 6, "letter"},
        BadCase{"DatabaseMissing", "  database: dev\n", "", "redshift.database", 3, "is missing"},
        BadCase{"UnknownNear", "username", "user_name", "redshift.user_name", 7,
                "Did you mean username?"},
        BadCase{"UnknownFar", "username", "colour", "redshift.colour", 7, "Known here: workgroup"},
        BadCase{"BucketUpper", "acme-sluice-staging", "Acme_Staging", "staging.bucket", 8,
                "lower-case"},
        BadCase{"BucketUrl", "acme-sluice-staging", "s3://acme", "staging.bucket", 8, "alone"},
        BadCase{"BucketAlias", "acme-sluice-staging", "acme-s3alias", "staging.bucket", 8,
                "access point"},
        BadCase{"Region", "region: us-east-1", "region: US East", "staging.region", 8, "us-east-1"},
        BadCase{"RootEmpty", "root: sluice", "root: ''", "staging.root", 8, "is empty"},
        BadCase{"RootHidden", "root: sluice", "root: _x/y", "staging.root", 8, "hides"},
        BadCase{"RootParent", "root: sluice", "root: a//b", "staging.root", 8, "empty folder"},
        BadCase{"RoleArn", "iam::123456789012:role", "iam::1234:role", "auth.role_arn", 10,
                "arn:aws:iam::"},
        BadCase{"KmsKey", "root: sluice", "kms_key: alias/x", "staging.kms_key", 8, "no alias"},
        BadCase{"UnloadRole", "root: sluice", "unload_role: mine", "staging.unload_role", 8,
                "attached to the namespace"},
        BadCase{"LoginApi", "port: 5440", "login_api: getcredentials", "redshift.login_api", 5,
                "GetClusterCredentials"},
        BadCase{"TwoWays", "auth:\n", "auth:\n  profile: acme\n", "auth", 10, "exactly one"},
        BadCase{"UnsetVariable", "SLUICE_EXTERNAL_ID", "NO_SUCH", "auth.external_id", 11,
                "environment variable NO_SUCH, which is not set"},
        BadCase{"DestinationType", "type: duckdb", "type: mysql", "destination.type", 12,
                "Write duckdb"},
        BadCase{"DestinationOfAnotherType", "schema: sales", "host: db", "destination.host", 12,
                "another type"},
        BadCase{"PostgresWithoutUser", "type: duckdb, path: acme.duckdb",
                "type: postgres, host: db, database: d", "destination.user", 12, "may create"},
        BadCase{"PostgresSslMode", "type: duckdb, path: acme.duckdb",
                "type: postgres, host: db, database: d, user: u, sslmode: on",
                "destination.sslmode", 12, "verify-full"},
        BadCase{"LakeBucket", "type: duckdb, path: acme.duckdb", "type: lake, path: s3://A/b",
                "destination.path", 12, "bucket's name"},
        BadCase{"LakeFolderInBucket", "type: duckdb, path: acme.duckdb",
                "type: lake, path: s3://acme-lake/a//b", "destination.path", 12, "empty folder"},
        BadCase{"LakeInTheStagingRoot", "type: duckdb, path: acme.duckdb",
                "type: lake, path: s3://acme-sluice-staging/sluice/x", "destination.path", 12,
                "s3://acme-sluice-staging/lake"},
        BadCase{"LakeFolderWithRegion", "type: duckdb, path: acme.duckdb",
                "type: lake, path: lake, region: eu-west-1", "destination.region", 12,
                "s3://bucket/folder"},
        BadCase{"LakeKeyAlone", "type: duckdb, path: acme.duckdb",
                "type: lake, path: s3://acme-lake, access_key_id: AKIAIOSFODNN7EXAMPLE",
                "destination.secret_access_key", 12, "in twos"},
        BadCase{"SyncMode", "sync_mode: full_refresh", "sync_mode: full", "streams[1].sync_mode",
                20, "full_refresh"},
        BadCase{"Overlap", "10m", "10 min", "defaults.overlap", 13, "5m"},
        BadCase{"MergeWithoutKey", "    primary_key: [order_id]\n", "    write_mode: merge\n",
                "streams[0].primary_key", 15, "merge"},
        BadCase{"HistoryWithoutKey", "    primary_key: [order_id]\n", "    write_mode: history\n",
                "streams[0].primary_key", 15, "history"},
        BadCase{"IncrementalWithoutCursor", "    cursor: updated_at\n",
                "    sync_mode: incremental\n", "streams[0].cursor", 15, "full_refresh"},
        BadCase{"OverwriteIncremental", "    cursor: updated_at\n",
                "    cursor: updated_at\n    write_mode: overwrite\n", "streams[0].write_mode", 18,
                "merge"},
        BadCase{"TableAlone", "sales.countries", "countries", "streams[1].table", 19,
                "schema.table"},
        BadCase{"TableThree", "sales.countries", "dev.sales.countries", "streams[1].table", 19,
                "two parts"},
        BadCase{"Twice", "sales.countries", "sales.orders", "streams[1]", 19,
                "called sales.orders, and so is streams[0]"},
        BadCase{"Both", "sync_mode: full_refresh", "sql: SELECT 1", "streams[1].table", 19,
                "stands beside sql"},
        BadCase{"QueryName", "name: big_spenders\n    ", "", "streams[2].name", 21, "needs a name"},
        BadCase{"QueryKind", "SELECT customer_id", "DELETE customer_id", "streams[2].sql", 22,
                "SELECT"},
        BadCase{"KeyList", "[order_id]", "{order_id: 1}", "streams[0].primary_key", 16,
                "single value"},
        BadCase{"Deletes", "{ column: is_deleted }", "[x]", "streams[0].deletes", 18, "none"},
        BadCase{"DeletesPercent", "{ column: is_deleted }", "{ column: x, max_percent: 101 }",
                "streams[0].deletes.max_percent", 18, "from 0 to 100"},
        BadCase{"DeletesKeep", "{ column: is_deleted }", "{ key_scan: 1h, keep: true }",
                "streams[0].deletes.keep", 18, "without column"},
        BadCase{"SplitPieces", "deletes: { column: is_deleted }", "split: { pieces: 1 }",
                "streams[0].split.pieces", 18, "from 2 to 1000"},
        BadCase{"SplitWithoutPieces", "deletes: { column: is_deleted }", "split: { column: n }",
                "streams[0].split.pieces", 18, "pieces: 8"},
        BadCase{"SplitWord", "deletes: { column: is_deleted }", "split: large", "streams[0].split",
                18, "split: auto"},
        BadCase{"SplitBySizeWithoutKey", "name: big_spenders\n",
                "name: big_spenders\n    split: auto\n", "streams[2].split", 22, "primary_key"},
        BadCase{"SplitWithoutKey", "name: big_spenders\n",
                "name: big_spenders\n    split: { pieces: 8 }\n", "streams[2].split", 22,
                "primary_key"},
        BadCase{"DeletesOfAppend", "    cursor: updated_at\n",
                "    cursor: updated_at\n    write_mode: append\n", "streams[0].deletes", 19,
                "write_mode: merge"},
        BadCase{"GroupIsText", "{ type: duckdb, path: acme.duckdb, schema: sales }", "acme.duckdb",
                "destination", 12, "not a group of fields"}),
    [](const auto& param) { return param.param.name; });

TEST(Config, ReadsADatabaseAsDestination) {
  const std::string text =
      With("type: duckdb, path: acme.duckdb",
           "type: postgres, host: db.acme.com, database: d, user: u, password: \"${PASSWORD}\"");
  const Loaded loaded =
      Parse(text, "sluice.yaml", Variables({{"SLUICE_EXTERNAL_ID", "e1"}, {"PASSWORD", "p w"}}));
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto& postgres = std::get<PostgresDestination>(loaded.config.destination.kind);
  EXPECT_EQ(postgres.host, "db.acme.com");
  EXPECT_EQ(postgres.port, 5432);
  EXPECT_EQ(postgres.password.Reveal(), "p w");
  EXPECT_EQ(postgres.sslmode, "verify-full");
  EXPECT_EQ(loaded.config.destination.schema, "sales");
}

TEST(Config, ASocketNeedsNoTls) {
  const Loaded loaded =
      ParseText(With("type: duckdb, path: acme.duckdb",
                     "type: postgres, host: /run/postgresql, database: d, user: u"));
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(std::get<PostgresDestination>(loaded.config.destination.kind).sslmode, "disable");
}

TEST(Config, ReadsALakeInABucketOrAFolder) {
  const auto lake_at = [](const std::string& fields) {
    const Loaded loaded =
        ParseText(With("type: duckdb, path: acme.duckdb", "type: lake, path: " + fields));
    EXPECT_THAT(loaded.problems, IsEmpty());
    return std::get<LakeDestination>(loaded.config.destination.kind);
  };
  const LakeDestination bucket = lake_at("s3://acme-lake/a/b, keep_versions: 5, keep_for: 7d");
  EXPECT_EQ(bucket.bucket, "acme-lake");
  EXPECT_EQ(bucket.prefix, "a/b/");
  EXPECT_EQ(bucket.region, "us-east-1");  // as the staging bucket's
  EXPECT_EQ(bucket.keep_versions, 5);
  EXPECT_EQ(bucket.keep_for, std::chrono::hours(7 * 24));
  EXPECT_TRUE(bucket.folder.empty());
  EXPECT_EQ(lake_at("s3://acme-lake").prefix, "");
  EXPECT_EQ(lake_at("lake").folder, "/etc/acme/lake");
}

TEST(Config, TellsAllProblemsAtOnceInTheFilesOrder) {
  const Loaded loaded = ParseText(R"(name: "?"
redshift: { workgroup: a, host: h, database: dev, prot: 5439 }
auth: { profile: p }
staging: { bucket: b, region: us-east-1 }
destination: { type: duckdb, path: x }
streems: []
)");
  EXPECT_THAT(loaded.problems,
              ElementsAre(ProblemAt("name", 1), ProblemAt("redshift.workgroup", 2),
                          ProblemAt("redshift.prot", 2), ProblemAt("staging.bucket", 4),
                          ProblemAt("streems", 6)));
  const base::Error error = ToError("sluice.yaml", loaded.problems);
  EXPECT_EQ(error.code(), base::ErrorCode::kInvalidConfig);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("redshift.prot"), HasSubstr("(line 6)")));
  EXPECT_THAT(error.info().remedy, HasSubstr("Did you mean port?"));
}

TEST(Config, MissingGroupIsOneProblem) {
  const Loaded loaded = ParseText(
      "name: acme\nauth: { profile: p }\n"
      "destination: { type: duckdb, path: x }\nstaging:\n"
      "  bucket: acme\n  region: us-east-1\n");
  EXPECT_THAT(loaded.problems, ElementsAre(ProblemAt("redshift", 1)));
}

TEST(Config, KeysAndSecretsNeverShow) {
  const std::string text = With(
      "  role_arn: arn:aws:iam::123456789012:role/sluice-reader\n  "
      "external_id: \"${SLUICE_EXTERNAL_ID}\"",
      "  access_key_id: AKIAIOSFODNN7EXAMPLE\n"
      "  secret_access_key: \"wJal rXUtnFEMI\"\n"
      "  session_token: \"${TOKEN}\"");
  const Loaded loaded = Parse(text, "sluice.yaml", Variables({{"TOKEN", "tok en"}}));
  ASSERT_THAT(loaded.problems, ElementsAre(ProblemAt("auth.secret_access_key", 11),
                                           ProblemAt("auth.session_token", 12)));
  const base::Error error = ToError("sluice.yaml", loaded.problems);
  EXPECT_THAT(error.what() + error.info().remedy, Not(HasSubstr("rXUtnFEMI")));
  EXPECT_THAT(error.what() + error.info().remedy, Not(HasSubstr("tok en")));
}

TEST(Config, ValueFromAReferenceIsNeverRepeatedEvenInAnOpenField) {
  const std::string text = With("acme-sluice-staging", "\"${BUCKET}\"");
  const Loaded loaded = Parse(text, "sluice.yaml",
                              Variables({{"BUCKET", "My Secret"}, {"SLUICE_EXTERNAL_ID", "ab"}}));
  ASSERT_THAT(loaded.problems, ElementsAre(ProblemAt("staging.bucket", 8)));
  EXPECT_THAT(loaded.problems[0].problem, Not(HasSubstr("My Secret")));
}

TEST(Config, TakesKeysAndProfile) {
  const std::string keys = With(
      "  role_arn: arn:aws:iam::123456789012:role/sluice-reader\n  "
      "external_id: \"${SLUICE_EXTERNAL_ID}\"",
      "  access_key_id: AKIAIOSFODNN7EXAMPLE\n"
      "  secret_access_key: a+b/c=\n  allow_keys_in_unload: true");
  const Loaded loaded = ParseText(keys);
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto& auth = std::get<KeysAuth>(loaded.config.auth);
  EXPECT_EQ(auth.access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(auth.secret_access_key.Reveal(), "a+b/c=");
  EXPECT_TRUE(auth.allow_in_unload);
}

std::string WithAuth(const std::string& fields) {
  return With(
      "  role_arn: arn:aws:iam::123456789012:role/sluice-reader\n  "
      "external_id: \"${SLUICE_EXTERNAL_ID}\"",
      fields);
}

TEST(Config, TakesARolesSession) {
  const Loaded loaded = ParseText(
      WithAuth("  role_arn: arn:aws:iam::123456789012:role/r\n  session_name: nightly\n"
               "  duration: 2h\n  session_tags: { RedshiftDbUser: x, RedshiftDbRoles: \"a:b\" }"));
  ASSERT_THAT(loaded.problems, IsEmpty());
  const auto& role = std::get<RoleAuth>(loaded.config.auth);
  EXPECT_EQ(role.session_name, "nightly");
  EXPECT_EQ(role.duration, std::chrono::hours(2));
  ASSERT_THAT(role.session_tags, SizeIs(2));
  EXPECT_EQ(role.session_tags[1].key, "RedshiftDbRoles");
  EXPECT_EQ(role.session_tags[1].value, "a:b");
}

TEST(Config, TokenFileIsTakenFromTheConfigurationsFolder) {
  const std::string text =
      WithAuth("  role_arn: arn:aws:iam::123456789012:role/r\n  web_identity_token_file: token");
  const Loaded loaded = Parse(text, "/etc/sluice/acme.yaml", Variables({}));
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(std::get<RoleAuth>(loaded.config.auth).web_identity_token_file, "/etc/sluice/token");
}

TEST(Config, TakesTheDefaultChain) {
  const Loaded loaded = ParseText(WithAuth("  source: default_chain"));
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_TRUE(std::holds_alternative<ChainAuth>(loaded.config.auth));
}

TEST(Config, WhatBelongsToAnotherWayToLogInIsToldSo) {
  const auto problems = [](const std::string& fields) {
    return ParseText(WithAuth(fields)).problems;
  };
  const std::string role = "  role_arn: arn:aws:iam::123456789012:role/r\n";
  EXPECT_THAT(problems("  profile: p\n  duration: 1h\n  session_tags: {A: b}"),
              ElementsAre(ProblemAt("auth.duration", 11), ProblemAt("auth.session_tags", 12)));
  EXPECT_THAT(problems(role + "  web_identity_token_file: t\n  session_tags: {A: b}\n"
                              "  external_id: abc"),
              ElementsAre(ProblemAt("auth.session_tags", 12), ProblemAt("auth.external_id", 13)));
  EXPECT_THAT(problems(role + "  duration: 13h"), ElementsAre(ProblemAt("auth.duration", 11)));
  EXPECT_THAT(
      problems(role + "  session_tags: {'A*': b, C: 'd;'}"),
      ElementsAre(ProblemAt("auth.session_tags.A*", 11), ProblemAt("auth.session_tags.C", 11)));
  EXPECT_THAT(problems("  source: somewhere"), ElementsAre(ProblemAt("auth.source", 10)));
}

TEST(Config, TakesEncryptionAndTheRoleOfUnload) {
  const Loaded loaded =
      ParseText(With("root: sluice",
                     "root: sluice, kms_key: auto, unload_role: "
                     "\"arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b\""));
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.staging.kms_key, "auto");
  EXPECT_EQ(loaded.config.staging.unload_role,
            "arn:aws:iam::123456789012:role/a,arn:aws:iam::123456789012:role/b");
}

TEST(Config, OldLoginCallNeedsTheUser) {
  const std::string text = With("  username: \"IAMR:sluice-reader\"\n", "");
  EXPECT_THAT(ParseText(text).problems, IsEmpty());
  std::string old = text;
  old.replace(old.find("  database: dev"), 0, "  login_api: GetClusterCredentials\n");
  EXPECT_THAT(ParseText(old).problems, ElementsAre(ProblemAt("redshift.username", 3)));
}

TEST(Config, TakesWhatAStreamSaysOfItsRows) {
  const Loaded loaded = ParseText(
      With("deletes: { column: is_deleted }",
           "deletes: { column: is_deleted, keep: true, max_percent: 100 }\n"
           "    null_cursor: skip\n    duplicate_keys: newest\n    schema_changes: freeze\n"
           "    split: { column: order_date, pieces: 12 }"));
  ASSERT_THAT(loaded.problems, IsEmpty());
  const model::Stream& orders = loaded.config.streams[0].stream;
  EXPECT_TRUE(orders.deletes.keep_flagged);
  EXPECT_EQ(orders.deletes.share_max, std::nullopt);
  EXPECT_EQ(orders.deletes.share_rows_min, 0u);
  EXPECT_EQ(loaded.config.streams[1].stream.deletes.share_rows_min, 100u);
  EXPECT_EQ(orders.null_cursor, model::NullCursor::kSkip);
  ASSERT_TRUE(orders.split);
  EXPECT_EQ(orders.split->pieces, 12);
  EXPECT_EQ(orders.split->column, "order_date");
  EXPECT_TRUE(orders.allow_duplicate_keys);
  EXPECT_EQ(orders.schema_policy, model::SchemaPolicy::kFreeze);
}

TEST(Config, HalfAPairOfKeysIsToldByItsOtherHalf) {
  const std::string text = With(
      "  role_arn: arn:aws:iam::123456789012:role/sluice-reader\n  "
      "external_id: \"${SLUICE_EXTERNAL_ID}\"",
      "  access_key_id: AKIAIOSFODNN7EXAMPLE");
  EXPECT_THAT(ParseText(text).problems, ElementsAre(ProblemAt("auth.secret_access_key", 10)));
}

TEST(Config, QuotedNamesMayHoldDots) {
  const Loaded loaded = ParseText(With("sales.countries", R"('"my.schema"."a""b"')"));
  ASSERT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.config.streams[1].stream.table, (model::TableName{"my.schema", "a\"b"}));
}

TEST(Config, FileThatIsAbsentADirectoryOrUnreadable) {
  const test::TempDir dir;
  EXPECT_THAT(Load(dir.path() / "no.yaml", {}).problems[0].problem, HasSubstr("does not exist"));
  EXPECT_THAT(Load(dir.path(), {}).problems[0].problem, HasSubstr("not a file"));
  const auto file = dir.path() / "sluice.yaml";
  std::ofstream(file) << kGood;
  const Loaded loaded = Load(file, Variables({{"SLUICE_EXTERNAL_ID", "ext"}}));
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(std::get<DuckDbDestination>(loaded.config.destination.kind).path,
            dir.path() / "acme.duckdb");
}

// /dev/fd/3 lies in no folder in which anything could be.
TEST(Config, PathsOfAConfigurationOnADescriptorAreTakenFromTheWorkingDirectory) {
  const base::Descriptor memory(memfd_create("config", MFD_CLOEXEC));
  ASSERT_EQ(write(memory.get(), kGood.data(), kGood.size()), static_cast<ssize_t>(kGood.size()));
  for (const std::string folder : {"/dev/fd/", "/proc/self/fd/"}) {
    const Loaded loaded =
        Load(folder + std::to_string(memory.get()), Variables({{"SLUICE_EXTERNAL_ID", "ext"}}));
    ASSERT_THAT(loaded.problems, IsEmpty());
    EXPECT_EQ(loaded.config.folder, std::filesystem::current_path());
    EXPECT_EQ(std::get<DuckDbDestination>(loaded.config.destination.kind).path,
              std::filesystem::current_path() / "acme.duckdb");
  }
}

TEST(Config, CutAtEveryLengthNeverCrashes) {
  for (std::size_t length = 0; length < kGood.size(); ++length) {
    const Loaded loaded = ParseText(kGood.substr(0, length));
    if (length < kGood.find("destination")) {
      EXPECT_THAT(loaded.problems, Not(IsEmpty())) << length;
    }
  }
}

}  // namespace
}  // namespace sluice::config
