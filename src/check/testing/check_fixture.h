// A check in memory, for the tests of this room: a scripted workgroup, a bucket, a destination.
#pragma once
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/check.h"
#include "redshift/testing/fake_session.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_destination.h"
#include "tests/support/fake_object_store.h"
#include "tests/support/temp_dir.h"

namespace sluice::check {

inline base::ErrorInfo Refused(std::string message) {
  return {.code = base::ErrorCode::kPermission,
          .operation = "test",
          .message = std::move(message),
          .remedy = "allow it"};
}

inline base::ErrorInfo Gone(std::string reason) {
  return {.code = base::ErrorCode::kNotFound,
          .operation = "test",
          .message = "it does not exist",
          .remedy = "create it",
          .reason = std::move(reason)};
}

class Check : public ::testing::Test {
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
    options_.sync.database = "dev";
    options_.sync.work_dir = dir_.path() / "work";
    options_.sync.ledger = dir_.path() / "acme.ledger";
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
    told_.clear();
    // Rules that a test made before are asked first.
    workgroup_->When(redshift::testing::Contains("version()"))
        .Rows({"login", "usesuper", "db", "ver"},
              {{db_user_, superuser_ ? "t" : "f", "dev", "x Redshift 1.0.1"}});
    workgroup_->When(redshift::testing::Contains("LIMIT 0")).Describes({{"a", 23, -1}});
    workgroup_->When(redshift::testing::Contains("svv_all_schemas"))
        .Rows({"schema_name", "schema_type"}, {});
    workgroup_->When(redshift::testing::StartsWith("UNLOAD"))
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
          auto destination = std::make_unique<test::FakeDestination>();
          if (arrange_) arrange_(*destination);
          return destination;
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

  test::TempDir dir_;
  CheckOptions options_;
  test::FakeClock clock_;
  test::FakeObjectStore store_;
  std::shared_ptr<redshift::testing::FakeWorkgroup> workgroup_ =
      std::make_shared<redshift::testing::FakeWorkgroup>();
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
      destination_error_;
  std::function<void(test::FakeDestination&)> arrange_;
  std::stop_source stop_;
  std::vector<std::string> told_;
};

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
    workgroup_->When(redshift::testing::Contains("pg_namespace")).Once().Rows(ColumnNames(), rows_);
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
           const std::string& name, const std::string& flag, const std::string& type = "",
           const std::string& position = "1") {
    rows_.push_back({schema, table, name, position, flag, type, std::nullopt, std::nullopt,
                     std::nullopt, kind});
  }
  std::vector<Cells> rows_;
};

}  // namespace sluice::check
