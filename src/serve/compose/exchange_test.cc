// Goal: what a file means to `sluice sync` it means to the service, and the other way round.
#include "serve/compose/exchange.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "config/config.h"
#include "config/env_file.h"
#include "connection/host_rules.h"
#include "serve/compose/compose.h"
#include "tests/support/fake_clock.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kFile = R"(
name: acme
redshift: { workgroup: analytics, host: r.example.com, port: "${PORT}", database: dev, region: us-east-1 }
staging: { bucket: acme-staging, region: us-east-1, root: mine/ }
auth: { access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: "${KEY}" }
destination: { type: postgres, host: db.example.com, database: "42", user: u, password: "p$$w" }
defaults: { overlap: 10m, schedule: "30 6 * * *", time_zone: Europe/Berlin, hash: { columns: [email], salt: "${SALT}" } }
streams_parallel: 2
limits: { memory_mb: 200 }
cost: { rpu_price: 0.375 }
streams:
  - table: sales.orders
    primary_key: [id]
    cursor: updated_at
    sync_mode: incremental
    deletes: { key_scan: 24h }
    mask: { phone: last4, note: null, name: "***" }
    where: "status <> '$draft' AND n = '$$x'"
  - name: q
    sql: SELECT 1 AS one
)";

std::optional<std::string> NoVariable(std::string_view) { return std::nullopt; }

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() {
    data_.Make();
    store_ = Store::Open(data_.root(), keyring_, clock_);
    tenant_ = store_->AddTenant("Acme", std::nullopt);
    variables_ = {{"KEY", "se$cret"}, {"SALT", "sa\"lt"}, {"PORT", "5440"}};
  }

  base::Environment Environment() const {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      return found == variables_.end() ? std::nullopt : std::optional(found->second);
    };
  }
  Imported Read(std::string_view text) {
    return Import(text, dir_.path() / "acme.yaml", Environment(), tenant_, rules_, data_);
  }
  std::vector<std::string> Refusals(std::string_view text) {
    std::vector<std::string> fields;
    try {
      Read(text);
    } catch (const Refused& refused) {
      for (const FieldProblem& problem : refused.problems()) fields.push_back(problem.field);
    }
    return fields;
  }
  // What `sluice sync` reads.
  static config::Config Meaning(const std::string& text, const base::Environment& environment) {
    config::Loaded loaded =
        config::Parse(text, "/x/sluice.yaml", environment, connection::EndpointRules());
    EXPECT_THAT(loaded.problems, testing::IsEmpty()) << text;
    return std::move(loaded.config);
  }
  static void ExpectSame(const config::Config& a, const config::Config& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.redshift.port, b.redshift.port);
    EXPECT_EQ(a.staging.root, b.staging.root);
    EXPECT_EQ(std::get<config::KeysAuth>(a.auth).secret_access_key,
              std::get<config::KeysAuth>(b.auth).secret_access_key);
    const auto& one = std::get<config::PostgresDestination>(a.destination.kind);
    const auto& two = std::get<config::PostgresDestination>(b.destination.kind);
    EXPECT_EQ(one.password, two.password);
    EXPECT_EQ(one.database, two.database);
    EXPECT_EQ(a.streams_parallel, b.streams_parallel);
    EXPECT_EQ(a.limits.memory_mb, b.limits.memory_mb);
    EXPECT_EQ(a.cost.rpu_price, b.cost.rpu_price);
    ASSERT_EQ(a.streams.size(), b.streams.size());
    for (std::size_t i = 0; i < a.streams.size(); ++i) {
      const model::Stream& left = a.streams[i].stream;
      const model::Stream& right = b.streams[i].stream;
      EXPECT_EQ(left.name, right.name);
      EXPECT_EQ(left.sql, right.sql);
      EXPECT_EQ(left.overlap, right.overlap);
      EXPECT_EQ(left.key_scan, right.key_scan);
      EXPECT_EQ(left.sync_mode, right.sync_mode);
      EXPECT_TRUE(left.shape.rules == right.shape.rules);
      EXPECT_EQ(left.shape.where, right.shape.where);
      EXPECT_EQ(left.shape.salt, right.shape.salt);
    }
  }
  std::string Content(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  test::TempDir dir_;
  const DataFolder data_{dir_.path() / "data"};
  test::FakeClock clock_;
  const Keyring keyring_{{NewKey()}};
  std::unique_ptr<Store> store_;
  Tenant tenant_;
  OperatorRules rules_;
  std::map<std::string, std::string, std::less<>> variables_;
};

TEST_F(ExchangeTest, AFileMeansTheSameBothWays) {
  const config::Config before = Meaning(std::string(kFile), Environment());
  const std::string id = ImportInto(*store_, tenant_, Read(kFile));
  const Resource pipeline = store_->Get(Kind::kPipeline, tenant_.id, id, true);
  EXPECT_EQ(ScheduleOf(pipeline)->time_zone, "Europe/Berlin");
  EXPECT_EQ(ConnectionOf(pipeline), "acme");
  // The service's child means it.
  const Resource source = store_->Get(Kind::kSource, tenant_.id, SourceOf(pipeline), true);
  const Resource destination =
      store_->Get(Kind::kDestination, tenant_.id, DestinationOf(pipeline), true);
  const Composed composed = Compose(
      {.tenant = tenant_, .source = &source, .destination = &destination, .pipeline = &pipeline},
      rules_, data_);
  ExpectSame(before, Meaning(composed.text.Reveal(), NoVariable));
  // And so does what is exported, with its secrets apart.
  const fs::path folder = dir_.path() / "out";
  EXPECT_THAT(ExportTenant(*store_, tenant_, folder, true, rules_, data_),
              ElementsAre("acme.yaml", ".env"));
  const std::string yaml = Content(folder / "acme.yaml");
  for (const char* secret : {"se$cret", "p$w", "p$$w", "lt\""}) {
    EXPECT_THAT(yaml, Not(HasSubstr(secret)));
  }
  const config::EnvFile env = config::LoadEnvFile(folder / ".env");
  EXPECT_THAT(env.problems, testing::IsEmpty());
  EXPECT_EQ(env.readers, "");
  const auto exported = config::WithVariables(NoVariable, env.variables);
  const config::Config after = Meaning(yaml, exported);
  ExpectSame(before, after);
  EXPECT_EQ(after.streams[0].schedule->cron, "30 6 * * *");
  // Which imports to the same, and changes nothing.
  const std::int64_t version = pipeline.version;
  const Imported again = Import(yaml, folder / "acme.yaml", exported, tenant_, rules_, data_);
  EXPECT_EQ(ImportInto(*store_, tenant_, again), id);
  EXPECT_EQ(store_->Get(Kind::kPipeline, tenant_.id, id).version, version);
  EXPECT_THAT(store_->List(Kind::kSource, tenant_.id, {}).items, SizeIs(1));
  // Files of people are not replaced.
  EXPECT_THAT([&] { ExportTenant(*store_, tenant_, folder, false, rules_, data_); },
              test::ThrowsError(ErrorCode::kConflict));
}

TEST_F(ExchangeTest, ScheduleAndNamesOfTheServiceComeAlong) {
  const std::string id = ImportInto(*store_, tenant_, Read(kFile));
  Resource pipeline = store_->Get(Kind::kPipeline, tenant_.id, id, true);
  pipeline.name = "Orders: every day";
  pipeline.fields["schedule"]["jitter"] = "5m";
  pipeline.fields["schedule"]["paused"] = true;
  pipeline = store_->Update(pipeline, std::nullopt);
  const Exported exported =
      Export(pipeline, store_->Get(Kind::kSource, tenant_.id, SourceOf(pipeline), true),
             store_->Get(Kind::kDestination, tenant_.id, DestinationOf(pipeline), true), tenant_,
             rules_, data_);
  for (const auto& [name, value] : exported.variables) variables_[name] = value.Reveal();
  const Imported again = Read(exported.yaml);
  EXPECT_EQ(again.pipeline.name, pipeline.name);
  EXPECT_EQ(again.pipeline.fields["schedule"], pipeline.fields["schedule"]);
}

TEST_F(ExchangeTest, AnImportChangesWhatHasItsConnection) {
  const std::string id = ImportInto(*store_, tenant_, Read(kFile));
  std::string text(kFile);
  text.replace(text.find("memory_mb: 200"), 14, "memory_mb: 300");
  text.replace(text.find("mine/"), 5, "ours/");
  EXPECT_EQ(ImportInto(*store_, tenant_, Read(text)), id);
  EXPECT_EQ(store_->Get(Kind::kPipeline, tenant_.id, id).fields["limits"]["memory_mb"], 300);
  EXPECT_THAT(store_->List(Kind::kSource, tenant_.id, {}).items, SizeIs(1));
  // Another connection may not change them by the way.
  text.replace(text.find("name: acme"), 10, "name: other\nx-sluice: { source: acme }");
  text.replace(text.find("ours/"), 5, "else/");
  EXPECT_THAT([&] { ImportInto(*store_, tenant_, Read(text)); },
              test::ThrowsError(ErrorCode::kInvalidConfig));
}

TEST_F(ExchangeTest, ADuckDbFileStaysWhereItIs) {
  const fs::path own = data_.files(tenant_.id) / "sub" / "o.duckdb";
  const auto text = [&](const fs::path& path) {
    std::string changed(kFile);
    const auto at = changed.find("destination:");
    return changed.replace(at, changed.find('\n', at) - at,
                           fmt::format("destination: {{ type: duckdb, path: {} }}", path.string()));
  };
  const Imported imported = Read(text(own));
  EXPECT_EQ(imported.destination.fields["path"], "sub/o.duckdb");
  EXPECT_THAT(Refusals(text("/etc/o.duckdb")), ElementsAre("path"));
  EXPECT_THAT(Refusals(text("beside.duckdb")), ElementsAre("path"));
  rules_.allow_paths = {dir_.path()};
  EXPECT_EQ(Read(text("beside.duckdb")).destination.fields["path"],
            (dir_.path() / "beside.duckdb").string());
}

TEST_F(ExchangeTest, WhatTheServiceCannotSayIsRefused) {
  const auto with = [](std::string_view line) { return fmt::format("{}{}\n", kFile, line); };
  EXPECT_THAT(Refusals(with("on_failure: { command: 'true' }")), ElementsAre("on_failure.command"));
  EXPECT_THAT(Refusals(with("history: { keep: 10d }")), ElementsAre("history.keep"));
  EXPECT_THAT(Refusals(with("aws: { ca_bundle: /etc/x.pem }")), Contains("advanced.aws.ca_bundle"));
  std::string text(kFile);
  text.replace(text.find("overlap: 10m"), 12, "overlap: x");
  EXPECT_THAT(Refusals(text), ElementsAre("defaults.overlap"));
  text = kFile;
  text.replace(text.find("cursor: updated_at"), 18, "cursor: u\n    schedule: '@daily'");
  EXPECT_THAT(Refusals(text), ElementsAre("streams[0].schedule"));
  text = kFile;
  text.replace(text.find("phone: last4"), 12, "phone: 'last4'");
  EXPECT_THAT(Refusals(text), ElementsAre("streams[0].mask.phone"));
  text = kFile;
  const auto at = text.find("auth:");
  text.replace(at, text.find('\n', at) - at, "auth: { profile: acme }");
  EXPECT_THAT(Refusals(text), Contains("auth.profile"));
  variables_.erase("KEY");
  EXPECT_THAT(Refusals(kFile), ElementsAre("auth.secret_access_key"));
}

}  // namespace
}  // namespace sluice::serve
