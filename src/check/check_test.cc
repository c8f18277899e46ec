// Goal: each thing that a person can get wrong in the set-up is found, told with its remedy, and
// does not hide the others; and nothing of the check stays in the bucket, however it ends.
#include "check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/testing/check_fixture.h"

namespace sluice::check {
namespace {

using redshift::testing::Contains;
using redshift::testing::FakeWorkgroup;
using redshift::testing::StartsWith;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(Check, AllRightInTheGuidesOrderAndTheBucketEmpty) {
  const Findings findings = Run();
  EXPECT_THAT(
      told_, ElementsAre("configuration.ok", "network.ok", "identity.ok", "database_credentials.ok",
                         "login.ok", "database_user.ok", "streams.ok", "bucket.ok",
                         "bucket_rights.ok", "unload.ok", "local.ok", "destination.ok"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
  EXPECT_EQ(workgroup_->sessions_open(), 0);
  EXPECT_EQ(findings.Count(Severity::kOk), 12U);
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

TEST_F(Check, WithoutStreamsASyncWouldFailUnlessTheyAreToCome) {
  options_.streams.clear();
  workgroup_->When(Contains("svv_all_schemas"))
      .Rows({"schema_name", "schema_type"}, {{"s", "local"}});
  Findings findings = Run();
  EXPECT_EQ(findings.Count(Severity::kFailure), 1U);
  EXPECT_EQ(Find(findings, "configuration.no_streams").severity, Severity::kFailure);
  options_.streams_to_come = true;
  findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("configuration.streams_to_come"));
  EXPECT_EQ(findings.Count(Severity::kFailure), 0U);
}

TEST_F(Check, TheSourceAloneMissesNoStreamsAndLooksAtNoDestination) {
  options_.streams.clear();
  options_.only = Only::kSource;
  workgroup_->When(Contains("svv_all_schemas"))
      .Rows({"schema_name", "schema_type"}, {{"s", "local"}});
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), IsEmpty());
  Find(findings, "unload.ok");
  for (const Finding& one : findings.findings) {
    EXPECT_NE(one.step, Step::kDestination);
    EXPECT_NE(one.step, Step::kLocal);
  }
}

TEST_F(Check, TheDestinationAloneAsksNobodyOfAws) {
  options_.only = Only::kDestination;
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), IsEmpty());
  ASSERT_FALSE(findings.findings.empty());
  for (const Finding& one : findings.findings) {
    EXPECT_TRUE(one.step == Step::kDestination || one.step == Step::kLocal) << one.id;
  }
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
  body_ = "<html>";
  EXPECT_THAT(Bad(Run()), ElementsAre("unload.unreadable"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
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
  arrange_ = [](auto& destination) { destination.capabilities.overwrite = false; };
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("destination.stream_mode"));
  EXPECT_THAT(Find(findings, "destination.stream_mode").remedy, HasSubstr("write_mode: append"));
  EXPECT_EQ(Find(findings, "streams.ok").seen, "1 column can be read") << "it is read all the same";
  login_error_ = Refused("no");
  EXPECT_THAT(Bad(Run()), ::testing::Contains("destination.stream_mode")) << "no source is needed";
  login_error_.reset();
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
  store_.put_result = {.version_id = "v1", .expiration = "tomorrow"};
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("bucket_rights.versioned"));
  EXPECT_THAT(Find(findings, "bucket_rights.versioned").remedy,
              AllOf(HasSubstr(R"("Prefix":"sluice/")"), HasSubstr("NoncurrentVersionExpiration")));
  EXPECT_EQ(findings.Count(Severity::kAdvice), 1U);
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
