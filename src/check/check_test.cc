// Goal: each thing that a person can get wrong in the set-up is found, told with its remedy, and
// does not hide the others; and nothing of the check stays in the bucket, however it ends.
#include "check/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "redshift/testing/fake_session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_destination.h"
#include "tests/support/fake_object_store.h"

namespace sluice::check {
namespace {

using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using redshift::testing::StartsWith;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

base::ErrorInfo Refused(std::string message) {
  return {.code = base::ErrorCode::kPermission,
          .operation = "test",
          .message = std::move(message),
          .remedy = "allow it"};
}

class Check : public testing::Test {
 protected:
  Check() {
    options_.connection = "acme";
    options_.workgroup = "analytics";
    options_.endpoint = redshift::ParseEndpoint(
        "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com");
    options_.database = "dev";
    options_.submitted_user = "IAMR:reader";
    options_.region = "us-east-1";
    options_.bucket = "acme-staging";
    options_.bucket_region = "us-east-1";
    options_.root = "sluice/";
    store_.put_result.expiration = "tomorrow";
    AddStream("q");
  }

  void AddStream(const std::string& name) {
    model::Stream stream;
    stream.name = name;
    stream.sql = "SELECT a FROM s." + name;
    options_.streams.push_back(stream);
  }

  // What Redshift does for an UNLOAD of one row: parts, then the manifest.
  void WriteRow(std::string_view sql) {
    const auto begin = sql.find("s3://acme-staging/") + std::string("s3://acme-staging/").size();
    const std::string prefix(sql.substr(begin, sql.find('\'', begin) - begin));
    store_.Add(prefix + "0064_part_00.parquet", body_);
    if (!with_manifest_) return;
    store_.Add(prefix + "manifest",
               fmt::format(R"({{"entries":[{{"url":"s3://acme-staging/{}0064_part_00.parquet",)"
                           R"("meta":{{"content_length":{},"record_count":1}}}}],)"
                           R"("meta":{{"content_length":{},"record_count":1}}}})",
                           prefix, body_.size(), body_.size()));
  }

  Findings Run() {
    // Rules that a test made before are asked first.
    workgroup_->When(Contains("version()"))
        .Rows({"login", "usesuper", "db", "ver"},
              {{db_user_, superuser_ ? "t" : "f", "dev", "x Redshift 1.0.1"}});
    workgroup_->When(Contains("LIMIT 0")).Describes({{"a", 23, -1}});
    workgroup_->When(Contains("svv_all_schemas")).Rows({"schema_name", "schema_type"}, {});
    workgroup_->When(StartsWith("UNLOAD"))
        .Runs([this](std::string_view sql) { WriteRow(sql); })
        .Unloads(1);
    const CheckParts parts{
        .clock = clock_,
        .store = store_,
        .probe_network = [this](const base::Call&) { return probe_; },
        .describe_workgroup =
            [this](const base::Call&) {
              if (!described_) throw base::Error(Refused("no right"));
              return *described_;
            },
        .who_am_i =
            [this](const base::Call&) {
              if (identity_error_) throw base::Error(*identity_error_);
              return aws::CallerIdentity{.account = "123456789012",
                                         .arn = arn_,
                                         .user_id = "x",
                                         .clock_ahead = clock_ahead_};
            },
        .describe_keys = [] { return std::string("keys AKIA...WXYZ"); },
        .get_credentials =
            [this](const base::Call&) {
              if (credentials_error_) throw base::Error(*credentials_error_);
              return aws::DbCredentials{.user = db_user_, .password = base::Secret("hush")};
            },
        .login = [this](const aws::DbCredentials&,
                        const base::Call&) -> std::unique_ptr<redshift::Session> {
          if (login_error_) throw base::Error(*login_error_);
          return workgroup_->Login();
        },
        .unload_auth =
            [](const std::string&, std::chrono::seconds, const base::Call&) {
              return aws::SessionKeys{.access_key_id = "AKIAEXAMPLE",
                                      .secret_access_key = base::Secret("secretKey"),
                                      .session_token = base::Secret("token")};
            },
        .unload_keys_narrowed = [this] { return narrowed_; },
        .open_destination = [this]() -> std::unique_ptr<destinations::Destination> {
          if (destination_error_) throw base::Error(*destination_error_);
          return std::make_unique<test::FakeDestination>();
        },
        .check_modes =
            [this](const model::Stream&, const destinations::Capabilities&) {
              if (mode_error_) throw base::Error(*mode_error_);
            },
        .on_finding = [this](const Finding& finding) { told_.push_back(finding.id); }};
    Findings findings = check::Run(options_, parts, stop_.get_token());
    std::vector<std::string> ids;
    for (const auto& finding : findings.findings) {
      ids.push_back(finding.id);
      const bool bad = finding.severity != Severity::kOk && finding.severity != Severity::kSkipped;
      EXPECT_EQ(bad, !finding.why.empty()) << finding.id;
      EXPECT_EQ(bad, !finding.remedy.empty()) << finding.id;
    }
    EXPECT_EQ(told_, ids);
    return findings;
  }

  static std::vector<std::string> Bad(const Findings& findings) {
    std::vector<std::string> ids;
    for (const auto& finding : findings.findings) {
      if (finding.severity != Severity::kOk) ids.push_back(finding.id);
    }
    return ids;
  }
  static Finding Find(const Findings& findings, std::string_view id) {
    for (const auto& finding : findings.findings) {
      if (finding.id == id) return finding;
    }
    ADD_FAILURE() << id << " was not found";
    return {};
  }

  CheckOptions options_;
  test::FakeClock clock_;
  test::FakeObjectStore store_;
  std::shared_ptr<FakeWorkgroup> workgroup_ = std::make_shared<FakeWorkgroup>();
  std::string arn_ = "arn:aws:sts::123456789012:assumed-role/reader/sluice-acme";
  std::string db_user_ = "IAMR:reader";
  pq::ProbeResult probe_ = {.outcome = pq::ProbeOutcome::kOk,
                            .addresses = {"192.0.2.7"},
                            .address = "192.0.2.7",
                            .local_address = "10.0.0.5",
                            .tls_version = "TLSv1.3"};
  std::optional<aws::Workgroup> described_;
  std::optional<std::chrono::seconds> clock_ahead_;
  bool superuser_ = false;
  std::string body_ = "PAR1....PAR1";
  bool with_manifest_ = true, narrowed_ = true;
  std::optional<base::ErrorInfo> identity_error_, credentials_error_, login_error_,
      destination_error_, mode_error_;
  std::stop_source stop_;
  std::vector<std::string> told_;
};

TEST_F(Check, AllRightInTheGuidesOrderAndTheBucketEmpty) {
  const Findings findings = Run();
  EXPECT_THAT(
      told_, ElementsAre("configuration.ok", "network.ok", "identity.ok", "database_credentials.ok",
                         "login.ok", "database_user.ok", "streams.ok", "bucket.ok",
                         "bucket_rights.ok", "unload.ok", "destination.ok"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
  EXPECT_EQ(workgroup_->sessions_open(), 0);
  EXPECT_EQ(findings.Count(Severity::kOk), 11U);
}

TEST_F(Check, NoIdentityStopsWhatNeedsOneAndNothingElse) {
  identity_error_ = Refused("no");
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings),
              ElementsAre("identity.failed", "database_credentials.skipped", "login.skipped",
                          "database_user.skipped", "streams.skipped", "bucket.skipped",
                          "bucket_rights.skipped", "unload.skipped"));
  EXPECT_EQ(Find(findings, "destination.ok").severity, Severity::kOk);
  EXPECT_EQ(Find(findings, "identity.failed").code, base::ErrorCode::kPermission);
  EXPECT_THAT(store_.log(), IsEmpty()) << "the bucket needs an identity too";
}

TEST_F(Check, LogInThatFailsStillChecksTheBucket) {
  login_error_ = Refused("certificate verify failed");
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("login.failed", "database_user.skipped", "streams.skipped",
                                         "unload.skipped"));
  EXPECT_THAT(Find(findings, "login.failed").seen, HasSubstr("certificate"));
}

TEST_F(Check, OtherUserThanSubmittedIsAFailureWithTheStatementsToRun) {
  options_.submitted_user = "sluice";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("database_credentials.user_mismatch"));
  const Finding finding = Find(findings, "database_credentials.user_mismatch");
  EXPECT_THAT(finding.remedy, AllOf(HasSubstr(R"(CREATE USER "IAMR:reader" PASSWORD DISABLE)"),
                                    HasSubstr("Key=RedshiftDbUser,Value=sluice"),
                                    HasSubstr("login_api: GetClusterCredentials")));
  Find(findings, "login.ok");
}

TEST_F(Check, UserThatDiffersInCaseOrPrefixIsTold) {
  options_.submitted_user = "IAMR:Reader";
  EXPECT_THAT(Bad(Run()), ElementsAre("database_credentials.user_case"));
  told_.clear();
  options_.submitted_user = "reader";
  EXPECT_THAT(Bad(Run()), ElementsAre("database_credentials.user_prefix"));
}

TEST_F(Check, NoSubmittedUserIsNoMismatch) {
  options_.submitted_user.clear();
  EXPECT_THAT(Bad(Run()), IsEmpty());
}

TEST_F(Check, UserThatTheIdentityDoesNotExplainIsToldUnlessItWasAskedFor) {
  db_user_ = "IAMR:tagged";
  options_.submitted_user.clear();
  EXPECT_THAT(Bad(Run()), ElementsAre("database_credentials.unpredicted"));
  told_.clear();
  options_.submitted_user = "IAMR:tagged";
  EXPECT_THAT(Bad(Run()), IsEmpty());
}

TEST_F(Check, RootForeignAccountAndSuperuserAreWarnings) {
  arn_ = "arn:aws:iam::999999999999:root";
  db_user_ = "IAM:RootIdentity";
  options_.submitted_user.clear();
  options_.endpoint.account = "111111111111";
  superuser_ = true;
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings),
              ElementsAre("identity.root", "identity.other_account", "database_user.superuser"));
  EXPECT_EQ(findings.Count(Severity::kFailure), 0U);
}

TEST_F(Check, ConfigurationThatContradictsItsHostIsAWarning) {
  options_.workgroup = "reports";
  options_.region = "eu-west-1";
  options_.port = 5432 + 1000;
  EXPECT_THAT(Bad(Run()),
              ElementsAre("configuration.workgroup_differs", "configuration.region_differs",
                          "configuration.unusual_port"));
}

TEST_F(Check, EachUnreadableStreamIsToldAndTheOthersAreRead) {
  AddStream("secret");
  AddStream("r");
  workgroup_->When(Contains("s.secret")).Fails(Refused("permission denied for relation secret"));
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("streams.failed"));
  EXPECT_EQ(Find(findings, "streams.failed").subject, "stream secret");
  EXPECT_EQ(std::count(told_.begin(), told_.end(), "streams.ok"), 2);
}

TEST_F(Check, WithoutStreamsAtLeastASchemaMustBeVisible) {
  options_.streams.clear();
  EXPECT_THAT(Bad(Run()), ElementsAre("configuration.no_streams", "streams.none_visible"));
}

TEST_F(Check, BucketInAnotherRegionIsToldWithTheRegion) {
  options_.bucket_region = "eu-west-1";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings),
              ElementsAre("bucket.region_differs", "bucket_rights.skipped", "unload.skipped"));
  EXPECT_THAT(Find(findings, "bucket.region_differs").remedy,
              HasSubstr("staging.region: us-east-1"));
}

TEST_F(Check, EachMissingBucketRightIsTold) {
  for (const std::string operation : {"put", "get", "list"}) {
    told_.clear();
    store_.before = [&](const std::string& what, const std::string& subject) {
      if (what == operation && subject.find("probe") != std::string::npos) {
        throw base::Error(Refused(operation + " denied"));
      }
      if (what == "list" && operation == "list") throw base::Error(Refused("list denied"));
    };
    const Findings findings = Run();
    EXPECT_THAT(Find(findings, "bucket_rights.failed").seen, HasSubstr(operation + " denied"));
    store_.before = nullptr;
  }
}

TEST_F(Check, BucketThatDemandsItsKeyLeavesTheProofToTheUnload) {
  base::ErrorInfo denied = Refused("with an explicit deny");
  denied.operation = "PutObject";
  denied.reason = "explicit_deny";
  store_.before = [&](const std::string& what, const std::string&) {
    if (what == "put") throw base::Error(denied);
  };
  EXPECT_THAT(Bad(Run()), ElementsAre("bucket_rights.kms_demanded", "unload.skipped"));
  told_.clear();
  options_.kms_key = "auto";
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), IsEmpty());
  EXPECT_EQ(Find(findings, "unload.ok").severity, Severity::kOk);
}

TEST_F(Check, DeleteThatIsRefusedNamesWhatStays) {
  store_.before = [&](const std::string& what, const std::string& key) {
    if (what == "put") store_.undeletable.insert(key);
  };
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("bucket_rights.delete_refused", "unload.skipped"));
  EXPECT_THAT(Find(findings, "bucket_rights.delete_refused").remedy,
              AllOf(HasSubstr("s3:DeleteObject"), HasSubstr(store_.Keys().front())));
}

TEST_F(Check, KeysThatCanDoMoreThanWriteAreAFailureOfTheUnload) {
  narrowed_ = false;
  EXPECT_THAT(Bad(Run()), ElementsAre("unload.keys_not_narrowed"));
}

TEST_F(Check, UnloadThatFailsOrWritesNonsenseLeavesTheBucketEmpty) {
  workgroup_->When(StartsWith("UNLOAD"))
      .Once()
      .Runs([this](std::string_view sql) { WriteRow(sql); })
      .Fails(Refused("S3ServiceException"));
  EXPECT_THAT(Bad(Run()), ElementsAre("unload.failed"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
  told_.clear();
  body_ = "<html>";
  EXPECT_THAT(Bad(Run()), ElementsAre("unload.unreadable"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
  told_.clear();
  with_manifest_ = false;
  EXPECT_THAT(Bad(Run()), ElementsAre("unload.unreadable"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
}

TEST_F(Check, NeighboursInTheBucketAreNotTouched) {
  store_.Add("sluice/other/run/x", "theirs");
  store_.Add("letters/1", "theirs");
  Run();
  EXPECT_THAT(store_.Keys(), ElementsAre("letters/1", "sluice/other/run/x"));
}

TEST_F(Check, DestinationThatIsLockedAndModesItCannotDo) {
  mode_error_ = Refused("incremental is not available");
  EXPECT_THAT(Bad(Run()), ElementsAre("destination.stream_mode"));
  told_.clear();
  destination_error_ = Refused("locked by process 42");
  EXPECT_THAT(Bad(Run()), ElementsAre("destination.failed"));
}

TEST_F(Check, CtrlCEndsItAndTheBucketIsEmptyAllTheSame) {
  workgroup_->When(StartsWith("UNLOAD")).Once().Runs([this](std::string_view sql) {
    WriteRow(sql);
    stop_.request_stop();
    base::ThrowCancelled("UNLOAD", "");
  });
  const Findings findings = Run();
  EXPECT_TRUE(findings.interrupted);
  EXPECT_THAT(Bad(findings), IsEmpty());
  EXPECT_THAT(store_.Keys(), IsEmpty());
}

TEST_F(Check, EachWayNotToBeReachedIsToldAndTheBucketIsStillChecked) {
  using pq::ProbeOutcome;
  const std::map<ProbeOutcome, std::string> ids = {
      {ProbeOutcome::kNameNotFound, "network.name_not_found"},
      {ProbeOutcome::kNoRoute, "network.no_route"},
      {ProbeOutcome::kRefused, "network.refused"},
      {ProbeOutcome::kSilent, "network.silent"},
      {ProbeOutcome::kSaysNothing, "network.no_answer"},
      {ProbeOutcome::kNotPostgres, "network.not_redshift"},
      {ProbeOutcome::kTlsRefused, "network.tls_refused"},
      {ProbeOutcome::kRootsMissing, "network.roots_missing"},
      {ProbeOutcome::kTlsFailed, "network.tls_failed"},
      {ProbeOutcome::kNameDiffers, "network.certificate_name"},
      {ProbeOutcome::kExpired, "network.certificate_expired"},
      {ProbeOutcome::kNotTrusted, "network.certificate_untrusted"}};
  for (const auto& [outcome, id] : ids) {
    told_.clear();
    probe_.outcome = outcome;
    probe_.names = {"other.example"};
    const Findings findings = Run();
    EXPECT_THAT(Bad(findings), ElementsAre(id, "login.skipped", "database_user.skipped",
                                           "streams.skipped", "unload.skipped"));
    EXPECT_EQ(told_[1], id) << "the guide's order, although AWS was asked meanwhile";
    EXPECT_EQ(Find(findings, "bucket_rights.ok").severity, Severity::kOk);
  }
  EXPECT_EQ(workgroup_->logins(), 0);
}

TEST_F(Check, SilentPortNamesPortOurAddressAndWhatAwsSays) {
  probe_.outcome = pq::ProbeOutcome::kSilent;
  options_.port = 5440;
  described_ = aws::Workgroup{
      .status = "AVAILABLE", .host = "h", .port = 5439, .publicly_accessible = false};
  const Finding finding = Find(Run(), "network.silent");
  EXPECT_THAT(finding.remedy, AllOf(HasSubstr("port 5440"), HasSubstr("10.0.0.5"),
                                    HasSubstr("publicly accessible"), HasSubstr("inbound rule")));
  EXPECT_THAT(finding.seen, AllOf(HasSubstr("NOT publicly accessible"), HasSubstr("h:5439")));
}

TEST_F(Check, ClockThatIsOffIsToldWithBothTimes) {
  clock_ahead_ = std::chrono::seconds(59);
  EXPECT_THAT(Bad(Run()), IsEmpty());
  told_.clear();
  clock_ahead_ = std::chrono::minutes(-4);
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("identity.clock_off"));
  EXPECT_THAT(Find(findings, "identity.clock_off").remedy,
              AllOf(HasSubstr("timedatectl"), HasSubstr(" UTC, this machine's 2")));
}

TEST_F(Check, ErrorsBecomeFindingsByTheirReason) {
  identity_error_ = Refused("AWS answered AccessDenied");
  identity_error_->reason = "trust_refused";
  identity_error_->facts = {{"principal", "arn:aws:iam::1:user/base"}};
  options_.role_arn = "arn:aws:iam::2:role/reader";
  const Finding finding = Find(Run(), "identity.trust_refused");
  EXPECT_THAT(finding.remedy, AllOf(HasSubstr(R"("AWS":"arn:aws:iam::1:user/base")"),
                                    HasSubstr(R"("Resource":"arn:aws:iam::2:role/reader")")));
  EXPECT_EQ(finding.code, base::ErrorCode::kPermission);
}

TEST_F(Check, TagWithoutEffectIsAFailure) {
  options_.submitted_user.clear();
  options_.tag_db_user = "app";
  EXPECT_THAT(Bad(Run()), ElementsAre("database_credentials.tag_ignored"));
}

TEST_F(Check, TagThatAwsObeysIsAsPredicted) {
  options_.submitted_user.clear();
  options_.tag_db_user = "app";
  db_user_ = "IAMR:app";
  EXPECT_THAT(Bad(Run()), IsEmpty());
}

TEST_F(Check, OlderCallLogsInAsTheUserAskedFor) {
  options_.by_cluster_credentials = true;
  options_.submitted_user = "reader";
  db_user_ = "IAM:reader";
  EXPECT_THAT(Bad(Run()), IsEmpty());
}

TEST_F(Check, BucketThatKeepsVersionsOrHasNoRuleIsAdviceOnly) {
  store_.put_result = {};
  EXPECT_THAT(Bad(Run()), ElementsAre("bucket_rights.no_lifecycle"));
  told_.clear();
  store_.put_result = {.version_id = "v1", .expiration = "tomorrow"};
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("bucket_rights.versioned"));
  EXPECT_THAT(Find(findings, "bucket_rights.versioned").remedy,
              AllOf(HasSubstr(R"("Prefix":"sluice/")"), HasSubstr("NoncurrentVersionExpiration")));
  EXPECT_EQ(findings.Count(Severity::kAdvice), 1U);
}

// One table s.t, and what the catalog says of it.
class CheckTable : public Check {
 protected:
  using Cells = std::vector<std::optional<std::string>>;

  CheckTable() {
    options_.streams.clear();
    model::Stream stream;
    stream.name = "s.t";
    stream.table = model::TableName{.schema = "s", .table = "t"};
    options_.streams.push_back(stream);
  }
  Finding Judge() {
    told_.clear();
    workgroup_->When(Contains("pg_namespace")).Once().Rows(ColumnNames(), rows_);
    const Findings findings = Run();
    for (const auto& finding : findings.findings) {
      if (finding.step == Step::kStreams) return finding;
    }
    ADD_FAILURE();
    return {};
  }
  static std::vector<std::string> ColumnNames() {
    return {"schema_name", "table_name", "column_name", "ordinal_position",
            "is_nullable", "data_type",  "len",         "precision",
            "scale",       "kind"};
  }
  void Row(const std::string& kind, const std::string& schema, const std::string& table,
           const std::string& name, const std::string& flag, const std::string& type = "") {
    rows_.push_back(
        {schema, table, name, "1", flag, type, std::nullopt, std::nullopt, std::nullopt, kind});
  }
  std::vector<Cells> rows_;
};

TEST_F(CheckTable, ReadableTableCostsNoFurtherStatement) {
  Row("schema", "s", "", "", "yes");
  Row("table", "s", "t", "owner", "yes");
  Row("column", "s", "t", "a", "YES", "integer");
  EXPECT_EQ(Judge().id, "streams.ok");
  EXPECT_EQ(workgroup_->statements().size(), 3U) << "who am I, the catalog, UNLOAD";
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
  EXPECT_THAT(finding.why, HasSubstr("b would be lost"));
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

TEST(FailureRules, NameFindingsThatExist) {
  std::set<std::string_view> ids;
  for (const auto& kind : FindingKinds()) ids.insert(kind.id);
  for (const auto& rule : FailureRules()) EXPECT_TRUE(ids.contains(rule.id)) << rule.id;
}

TEST(FindingKinds, HaveUniqueIdsOfTheirStepAndARemedyUnlessOk) {
  std::set<std::string_view> ids;
  for (const auto& kind : FindingKinds()) {
    EXPECT_TRUE(ids.insert(kind.id).second) << kind.id;
    EXPECT_TRUE(kind.id.starts_with(std::string(StepName(kind.step)) + ".")) << kind.id;
    EXPECT_EQ(kind.severity == Severity::kOk, kind.remedy.empty()) << kind.id;
    EXPECT_EQ(kind.severity == Severity::kOk, kind.why.empty()) << kind.id;
    EXPECT_EQ(kind.severity == Severity::kOk, kind.title.empty()) << kind.id;
  }
}

TEST(MakeFinding, FillsFactsInAndMarksThoseItDoesNotHave) {
  const Finding finding =
      MakeFinding("database_credentials.user_prefix", "", "seen", {{"schema", "sales"}});
  EXPECT_THAT(finding.remedy, HasSubstr("<db_user>"));
  EXPECT_THAT(MakeFinding("bucket_rights.no_put", "", "", {{"bucket", "b"}, {"root", "r/"}}).remedy,
              HasSubstr(R"({"Effect":"Allow",)"))
      << "JSON is no placeholder";
}

}  // namespace
}  // namespace sluice::check
