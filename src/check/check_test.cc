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
    workgroup_->When(Contains("pg_user"))
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
        .who_am_i =
            [this](const base::Call&) {
              if (identity_error_) throw base::Error(*identity_error_);
              return aws::CallerIdentity{.account = "123456789012", .arn = arn_, .user_id = "x"};
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
      const bool bad =
          finding.severity == Severity::kWarning || finding.severity == Severity::kFailure;
      EXPECT_EQ(bad, !finding.why.empty()) << finding.id;
      EXPECT_EQ(bad, !finding.remedy.empty()) << finding.id;
      EXPECT_THAT(finding.remedy, Not(HasSubstr("{"))) << finding.id;
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
  bool superuser_ = false;
  std::string body_ = "PAR1....PAR1";
  bool with_manifest_ = true;
  std::optional<base::ErrorInfo> identity_error_, credentials_error_, login_error_,
      destination_error_, mode_error_;
  std::stop_source stop_;
  std::vector<std::string> told_;
};

TEST_F(Check, AllRightInTheGuidesOrderAndTheBucketEmpty) {
  const Findings findings = Run();
  EXPECT_THAT(told_, ElementsAre("configuration.ok", "identity.ok", "database_credentials.ok",
                                 "login.ok", "database_user.ok", "streams.ok", "bucket.ok",
                                 "bucket_rights.ok", "unload.ok", "destination.ok"));
  EXPECT_THAT(store_.Keys(), IsEmpty());
  EXPECT_EQ(workgroup_->sessions_open(), 0);
  EXPECT_EQ(findings.Count(Severity::kOk), 10U);
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
                                    HasSubstr("RedshiftDbUser=sluice")));
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

TEST_F(Check, UserThatTheIdentityDoesNotExplainIsTold) {
  db_user_ = "IAMR:tagged";
  options_.submitted_user = "IAMR:tagged";
  EXPECT_THAT(Bad(Run()), ElementsAre("database_credentials.unpredicted"));
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

TEST_F(Check, DeleteThatIsRefusedNamesWhatStays) {
  store_.before = [&](const std::string& what, const std::string& key) {
    if (what == "put") store_.undeletable.insert(key);
  };
  const Findings findings = Run();
  EXPECT_THAT(Bad(findings), ElementsAre("bucket_rights.delete_refused", "unload.skipped"));
  EXPECT_THAT(Find(findings, "bucket_rights.delete_refused").remedy,
              AllOf(HasSubstr("s3:DeleteObject"), HasSubstr(store_.Keys().front())));
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

TEST(FindingKinds, HaveUniqueIdsOfTheirStepAndARemedyUnlessOk) {
  std::set<std::string_view> ids;
  for (const auto& kind : FindingKinds()) {
    EXPECT_TRUE(ids.insert(kind.id).second) << kind.id;
    EXPECT_TRUE(kind.id.starts_with(std::string(StepName(kind.step)) + ".")) << kind.id;
    EXPECT_EQ(kind.severity == Severity::kOk, kind.remedy.empty()) << kind.id;
    EXPECT_EQ(kind.severity == Severity::kOk, kind.why.empty()) << kind.id;
  }
}

TEST(MakeFinding, FillsFactsInAndMarksThoseItDoesNotHave) {
  const Finding finding =
      MakeFinding("database_credentials.user_prefix", "", "seen", {{"schema", "sales"}});
  EXPECT_THAT(finding.remedy, HasSubstr("<db_user>"));
}

}  // namespace
}  // namespace sluice::check
