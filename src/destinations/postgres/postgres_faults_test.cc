// Goal: whenever a session ends, the server crashes, refuses or is in somebody's hands, the rows
// are those of one commit, the error says what happened and what to do, and the next load works.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <exception>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "destinations/postgres/postgres_store.h"
#include "destinations/postgres/session.h"
#include "destinations/postgres/testing/postgres_harness.h"
#include "tests/support/matchers.h"
#include "tests/support/temp_dir.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;
using model::TypeKind;
using model::WriteMode;
using test::PostgresServer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const base::Call kFaultsCall;

class PostgresFaults : public ::testing::Test {
 protected:
  static model::StreamTarget Target(WriteMode mode = WriteMode::kMerge) {
    return {.stream = "sales.orders",
            .table = {"sales", "orders"},
            .columns = {{"n", {TypeKind::kInt64}}, {"t", {TypeKind::kVarchar}}},
            .write_mode = mode,
            .primary_key = {"n"},
            .complete = true,
            .deletes = {.share_max = std::nullopt}};
  }
  // Keys of both, so that a merge of the second updates, inserts and deletes.
  model::LocalPart Old() { return Part("old", "(1, 'a'), (2, 'b'), (3, 'c')"); }
  model::LocalPart New() { return Part("new", "(2, 'B'), (3, 'c'), (4, 'd')"); }
  model::LocalPart Part(const std::string& name, const std::string& rows) {
    return harness_.MakePart(
        name, fmt::format("SELECT CAST(n AS BIGINT) AS n, t FROM (VALUES {}) AS v(n, t)", rows));
  }
  std::unique_ptr<Destination> OpenAs(const PostgresOptions& options) {
    return OpenPostgres(options, clock_, log_);
  }
  void Load(Destination& destination, const model::LocalPart& part, const std::string& attempt,
            WriteMode mode = WriteMode::kMerge) {
    auto load = destination.Begin(Target(mode), kFaultsCall);
    const LoadedRows rows = load->Add({&part, 1}, kFaultsCall);
    load->Commit({.run = "r", .attempt = attempt},
                 {.manifest_rows = rows.loaded_rows,
                  .footer_rows = rows.footer_rows,
                  .loaded_rows = rows.loaded_rows},
                 kFaultsCall);
  }
  // What the load fails with; nothing if it does not.
  std::optional<base::ErrorInfo> Failure(const std::function<void()>& body) {
    try {
      body();
    } catch (const base::Error& error) {
      return error.info();
    }
    return std::nullopt;
  }
  void Sql(const std::string& sql) { server_.Run(harness_.database(), sql); }
  std::vector<std::string> Query(const std::string& sql) { return harness_.Query(sql); }
  std::vector<std::string> Rows() { return Query("SELECT n, t FROM sales.orders ORDER BY n"); }
  // Returns when `sql` has a row.
  void Await(const std::string& sql) {
    while (Query(sql).empty()) Query("SELECT pg_sleep(0.005)");
  }
  // A trigger whose function runs `body`.
  void Trigger(const std::string& when, const std::string& table, const std::string& body) {
    Sql("CREATE OR REPLACE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " +
        body + "; RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$");
    if (when == "COMMIT") {
      Sql("CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON " + table +
          " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.fault()");
    } else {
      Sql(
          fmt::format("CREATE TRIGGER fault BEFORE {} ON {} FOR EACH ROW EXECUTE FUNCTION "
                      "public.fault()",
                      when, table));
    }
  }
  void ExpectOldThenNew(Destination& destination) {
    EXPECT_EQ(destination.ReadCommitted("sales.orders", kFaultsCall)->watermark.attempt, "old");
    EXPECT_THAT(Rows(), ElementsAre("1|a", "2|b", "3|c"));
    Sql("DROP FUNCTION IF EXISTS public.fault() CASCADE");
    Load(destination, New(), "new");
    EXPECT_EQ(destination.ReadCommitted("sales.orders", kFaultsCall)->watermark.attempt, "new");
    EXPECT_THAT(Rows(), ElementsAre("2|B", "3|c", "4|d"));
  }

  PostgresServer& server_ = PostgresServer::Shared();
  const test::TempDir dir_;
  PostgresHarness harness_{dir_.path()};
  test::FakeClock clock_;
  test::NullLogger log_;
};

struct Moment {
  const char* when;
  const char* table;
  bool in_doubt;
};

class EndedSession : public PostgresFaults, public ::testing::WithParamInterface<Moment> {};

TEST_P(EndedSession, LeavesTheOldRows) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Trigger(GetParam().when, GetParam().table, "PERFORM pg_terminate_backend(pg_backend_pid())");
  const auto failure = Failure([&] { Load(*destination, New(), "new"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kUnreachable);
  EXPECT_EQ(failure->in_doubt, GetParam().in_doubt);
  EXPECT_EQ(failure->retryable, !GetParam().in_doubt);
  EXPECT_NE(failure->remedy, "");
  ExpectOldThenNew(*destination);
  destination->Close();
}

INSTANTIATE_TEST_SUITE_P(At, EndedSession,
                         ::testing::Values(Moment{"DELETE", "sales.orders", false},
                                           Moment{"UPDATE", "sales.orders", false},
                                           Moment{"INSERT", "sales.orders", false},
                                           Moment{"DELETE", "_sluice.state", false},
                                           Moment{"INSERT", "_sluice.state", false},
                                           Moment{"COMMIT", "_sluice.state", true}),
                         [](const auto& test) {
                           return std::string(test.param.when) + "Of" +
                                  (test.param.table[0] == '_' ? "State" : "Rows");
                         });

// All of them, the one that holds the lock included, between any two calls.
TEST_F(PostgresFaults, SessionsEndedBetweenCallsLeaveTheOldRows) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  const auto end_all = [&] {
    Sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE "
        "'sluice %' AND datname = current_database()");
  };
  end_all();
  const model::LocalPart part = New();
  auto load = destination->Begin(Target(), kFaultsCall);
  end_all();
  EXPECT_EQ(Failure([&] { load->Add({&part, 1}, kFaultsCall); })->code, ErrorCode::kUnreachable);
  load = nullptr;
  load = destination->Begin(Target(), kFaultsCall);
  const LoadedRows rows = load->Add({&part, 1}, kFaultsCall);
  end_all();
  const auto failure = Failure([&] {
    load->Commit({.run = "r", .attempt = "new"},
                 {.manifest_rows = 3, .footer_rows = 3, .loaded_rows = rows.loaded_rows},
                 kFaultsCall);
  });
  EXPECT_EQ(failure->code, ErrorCode::kUnreachable);
  EXPECT_FALSE(failure->in_doubt);
  load = nullptr;
  ExpectOldThenNew(*destination);
  destination->Close();
}

// The commit is on disk, and the connection breaks before the server could say so.
TEST_F(PostgresFaults, ALostAnswerToACommitIsInDoubtAndThenKnown) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  Sql("SELECT pg_reload_conf()");
  Await("SELECT 1 WHERE current_setting('synchronous_standby_names') = 'nobody'");
  std::optional<base::ErrorInfo> failure;
  {
    std::jthread loader([&] { failure = Failure([&] { Load(*destination, New(), "new"); }); });
    Await(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE "
        "'sluice %'");
    Sql("SET synchronous_commit = local; SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE wait_event = 'SyncRep'");
  }
  Sql("ALTER SYSTEM RESET synchronous_standby_names");
  Sql("SELECT pg_reload_conf()");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kUnreachable);
  EXPECT_TRUE(failure->in_doubt);
  EXPECT_EQ(destination->ReadCommitted("sales.orders", kFaultsCall)->watermark.attempt, "new");
  EXPECT_THAT(Rows(), ElementsAre("2|B", "3|c", "4|d"));
  destination->Close();
}

// A broken connection alone does not stop the server's process: until that has ended, "it did not
// commit" could still become wrong.
TEST_F(PostgresFaults, WhatIsLeftOfALostSessionEndsBeforeAnybodyIsAnswered) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Session lost = Session::Connect(harness_.Options(), clock_, kFaultsCall);
  const Task task{"test", "a lost session", {}};
  lost.Begin(task, kFaultsCall);
  lost.Run("UPDATE _sluice.state SET attempt = 'late'", task, kFaultsCall);
  dynamic_cast<PostgresStore&>(*destination).OnLost(lost.backend());
  EXPECT_EQ(destination->ReadCommitted("sales.orders", kFaultsCall)->watermark.attempt, "old");
  EXPECT_THAT([&] { lost.Commit(task); }, ::testing::Throws<base::Error>());
  EXPECT_EQ(destination->ReadCommitted("sales.orders", kFaultsCall)->watermark.attempt, "old");
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, AServerThatRestartsDuringTheCommitLeavesTheOldRows) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Trigger("COMMIT", "_sluice.state", "PERFORM pg_sleep(600)");
  std::optional<base::ErrorInfo> failure;
  {
    std::jthread loader([&] { failure = Failure([&] { Load(*destination, New(), "new"); }); });
    Await(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name LIKE "
        "'sluice %'");
    server_.Crash();
  }
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->in_doubt);
  ExpectOldThenNew(*destination);
  destination->Close();
}

// What came is gone with the crash, as its table writes no log: it must not count as loaded.
TEST_F(PostgresFaults, AServerThatCrashesBetweenAddAndCommitLosesTheLoadAlone) {
  PostgresOptions options = harness_.Options();
  options.small_load_bytes = 0;
  const auto destination = OpenAs(options);
  Load(*destination, Old(), "old");
  const model::LocalPart part = New();
  auto load = destination->Begin(Target(), kFaultsCall);
  load->Add({&part, 1}, kFaultsCall);
  server_.Crash();
  EXPECT_TRUE(Failure([&] {
    load->Commit({.run = "r", .attempt = "new"},
                 {.manifest_rows = 3, .footer_rows = 3, .loaded_rows = 3}, kFaultsCall);
  }));
  load = nullptr;
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, AConstraintThatFailsAtCommitIsNotInDoubt) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Sql("ALTER TABLE sales.orders ADD CONSTRAINT one_t UNIQUE (t) DEFERRABLE INITIALLY DEFERRED");
  const auto failure =
      Failure([&] { Load(*destination, Part("twice", "(1, 'secret'), (2, 'secret')"), "new"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kConflict);
  EXPECT_FALSE(failure->in_doubt);
  EXPECT_THAT(failure->message, HasSubstr("one_t"));
  EXPECT_THAT(failure->message + failure->cause, Not(HasSubstr("secret")));
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, ACommitThatTheServerRollsBackIsNoSuccess) {
  Session session = Session::Connect(harness_.Options(), clock_, kFaultsCall);
  const Task task{"test", "a transaction", {}};
  session.Begin(task, kFaultsCall);
  session.Run("CREATE TABLE public.gone (n integer)", task, kFaultsCall);
  EXPECT_THAT([&] { session.Run("SELECT 1 / 0", task, kFaultsCall); },
              ::testing::Throws<base::Error>());
  EXPECT_THAT([&] { session.Commit(task); },
              test::ThrowsErrorWith(ErrorCode::kDestination, &base::ErrorInfo::message,
                                    HasSubstr("rolled the transaction back")));
  EXPECT_FALSE(session.in_transaction());
}

TEST_F(PostgresFaults, ARefusedRowNamesTheConstraintAndNoValue) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Sql("ALTER TABLE sales.orders ADD CONSTRAINT short CHECK (length(t) < 3)");
  const auto failure = Failure([&] { Load(*destination, Part("p", "(7, 'secret')"), "new"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kDestination);
  EXPECT_THAT(failure->message, HasSubstr("check short"));
  EXPECT_THAT(failure->message + failure->cause + failure->remedy, Not(HasSubstr("secret")));
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, ATableThatSomebodyHoldsIsAConflictThatNamesThem) {
  PostgresOptions options = harness_.Options();
  options.lock_timeout = std::chrono::milliseconds(100);
  for (const WriteMode mode : {WriteMode::kMerge, WriteMode::kOverwrite}) {
    const auto destination = OpenAs(options);
    Load(*destination, Old(), "old");
    Session other = Session::Connect(harness_.Options(), clock_, kFaultsCall);
    const Task task{"test", "a lock", {}};
    other.Begin(task, kFaultsCall);
    other.Run("LOCK TABLE sales.orders IN ROW EXCLUSIVE MODE", task, kFaultsCall);
    const auto failure = Failure([&] { Load(*destination, New(), "new", mode); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, ErrorCode::kConflict);
    EXPECT_TRUE(failure->retryable);
    EXPECT_THAT(failure->message,
                AllOf(HasSubstr(fmt::format("session {} (role postgres", other.backend().pid)),
                      HasSubstr("since 20")));
    other.Rollback();
    ExpectOldThenNew(*destination);
    destination->Close();
  }
}

TEST_F(PostgresFaults, ATableMadeOrDroppedMeanwhileIsAConflict) {
  const auto destination = harness_.Open();
  const model::LocalPart part = New();
  const auto commit_after = [&](const std::string& sql) {
    auto load = destination->Begin(Target(), kFaultsCall);
    load->Add({&part, 1}, kFaultsCall);
    Sql(sql);
    return Failure([&] {
      load->Commit({.run = "r", .attempt = "new"},
                   {.manifest_rows = 3, .footer_rows = 3, .loaded_rows = 3}, kFaultsCall);
    });
  };
  auto failure = commit_after("CREATE TABLE sales.orders AS SELECT 9::bigint AS n, 'z' AS t");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kConflict);
  EXPECT_TRUE(failure->retryable);
  EXPECT_THAT(Rows(), ElementsAre("9|z"));
  failure = commit_after("DROP TABLE sales.orders");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kConflict);
  EXPECT_EQ(destination->ReadCommitted("sales.orders", kFaultsCall), std::nullopt);
  Load(*destination, Old(), "old");
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, AFullDiskIsToldAndLeavesTheOldRows) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Trigger("INSERT", "sales.orders",
          "RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file', DETAIL = "
          "NEW.t");
  const auto failure = Failure([&] { Load(*destination, New(), "new"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kNoSpace);
  EXPECT_THAT(failure->cause, HasSubstr("could not extend file"));
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, ALimitOnTemporaryFilesIsTold) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  destination->Close();
  Sql("CREATE ROLE small LOGIN SUPERUSER");
  Sql(
      fmt::format("ALTER ROLE small IN DATABASE {} SET temp_file_limit = '64kB'; ALTER ROLE small "
                  "IN DATABASE {} SET work_mem = '64kB'",
                  harness_.database(), harness_.database()));
  PostgresOptions options = harness_.Options();
  options.user = "small";
  const auto poor = OpenAs(options);
  const model::LocalPart large = harness_.MakePart(
      "large", "SELECT CAST(range AS BIGINT) AS n, md5(range::VARCHAR) AS t FROM range(200000)");
  const auto failure = Failure([&] { Load(*poor, large, "new"); });
  poor->Close();
  Sql("DROP OWNED BY small CASCADE; DROP ROLE small");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kNoSpace);
  EXPECT_THAT(failure->remedy, HasSubstr("temp_file_limit"));
  EXPECT_THAT(Rows(), ElementsAre("1|a", "2|b", "3|c"));
}

TEST_F(PostgresFaults, MissingRightsAreNamedWithTheGrant) {
  Sql("DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN");
  PostgresOptions options = harness_.Options();
  options.user = "poor";
  const auto refused = [&](const std::string& remedy) {
    const auto destination = OpenAs(options);
    const auto failure = Failure([&] { Load(*destination, New(), "new"); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code, ErrorCode::kPermission) << failure->message;
    EXPECT_THAT(failure->remedy, HasSubstr(remedy));
    destination->Close();
  };
  refused(fmt::format(R"(GRANT CREATE ON DATABASE "{}" TO "poor";)", harness_.database()));
  EXPECT_THAT([&] { OpenAs(options)->Probe(kFaultsCall); },
              test::ThrowsError(ErrorCode::kPermission));
  // Where the state has a place already, that right is not needed.
  Sql("CREATE SCHEMA _sluice AUTHORIZATION poor; CREATE SCHEMA sales");
  refused(R"(GRANT USAGE, CREATE ON SCHEMA "sales" TO "poor";)");
  Sql("GRANT USAGE, CREATE ON SCHEMA sales TO poor; CREATE TABLE sales.orders (n bigint, t text)");
  refused(R"(DELETE ON TABLE "sales"."orders" TO "poor";)");
  Sql("GRANT SELECT, INSERT, UPDATE, DELETE ON sales.orders TO poor");
  const auto destination = OpenAs(options);
  destination->Probe(kFaultsCall);
  Load(*destination, New(), "new");
  Load(*destination, Old(), "old", WriteMode::kOverwrite);  // not the owner: it stays
  EXPECT_THAT(Rows(), ElementsAre("1|a", "2|b", "3|c"));
  destination->Close();
  Sql("DROP OWNED BY poor CASCADE; DROP ROLE poor");
}

TEST_F(PostgresFaults, WhoDoesNotGetInIsToldWhy) {
  PostgresOptions good = harness_.Options();
  good.host = "127.0.0.1";
  const auto failure = [&](const PostgresOptions& options) {
    return Failure([&] { OpenAs(options); }).value();
  };
  PostgresOptions options = good;
  options.database = "nowhere";
  EXPECT_EQ(failure(options).code, ErrorCode::kNotFound);
  options = good;
  options.user = "nobody_of_that_name";
  EXPECT_EQ(failure(options).reason, "no_role");
  options = good;
  options.user = PostgresServer::kUnwelcomeRole;
  EXPECT_EQ(failure(options).reason, "no_hba");
  options = good;
  options.user = PostgresServer::kPasswordRole;
  EXPECT_EQ(failure(options).reason, "no_password");
  options.password = base::Secret("guess-me");
  EXPECT_EQ(failure(options).reason, "wrong_password");
  EXPECT_THAT(failure(options).message + failure(options).cause, Not(HasSubstr("guess-me")));
  options.password = base::Secret(PostgresServer::kPassword);
  OpenAs(options)->Close();
  options = good;
  options.port = 1;
  EXPECT_EQ(failure(options).reason, "refused");
  options.host = dir_.path().string();
  EXPECT_EQ(failure(options).reason, "refused");
}

TEST_F(PostgresFaults, ThePasswordMayStandInThePasswordFile) {
  const char* home = getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  setenv("HOME", dir_.path().c_str(), 1);
  const std::string file = dir_.path() / ".pgpass";
  std::ofstream(file) << "127.0.0.1:*:*:" << PostgresServer::kPasswordRole << ":"
                      << PostgresServer::kPassword << "\n";
  chmod(file.c_str(), 0600);
  PostgresOptions options = harness_.Options();
  options.host = "127.0.0.1";
  options.user = PostgresServer::kPasswordRole;
  OpenAs(options)->Close();
  setenv("HOME", before.c_str(), 1);
}

TEST_F(PostgresFaults, TlsIsHeldToWhatWasAskedFor) {
  PostgresOptions options = harness_.Options();
  options.host = "localhost";
  options.sslmode = "verify-full";
  options.ssl_root_cert = (server_.folder() / "root.crt").string();
  EXPECT_EQ(Failure([&] { OpenAs(options); })->reason, "no_tls");
  server_.SetTls(true);
  OpenAs(options)->Close();
  options.host = "127.0.0.1";  // not in the certificate
  EXPECT_EQ(Failure([&] { OpenAs(options); })->reason, "name_differs");
  options.sslmode = "verify-ca";
  OpenAs(options)->Close();
  options.sslmode = "verify-full";
  options.ssl_root_cert = "";  // the system's: nobody there signed it
  EXPECT_EQ(Failure([&] { OpenAs(options); })->reason, "not_trusted");
  options.ssl_root_cert = dir_.path() / "missing.crt";
  EXPECT_EQ(Failure([&] { OpenAs(options); })->code, ErrorCode::kInvalidConfig);
  options.ssl_root_cert = "";
  options.sslmode = "require";  // encrypted, to whomever
  OpenAs(options)->Close();
  server_.SetTls(false);
}

// A snapshot that was taken while a load went on belongs to neither the old table, which is gone,
// nor the new one; half of the new one it must never show.
TEST_F(PostgresFaults, AnOldSnapshotSeesTheWholeNewTableOrNothingOfIt) {
  for (const std::uint64_t small : {std::uint64_t{0}, std::uint64_t{1} << 30}) {
    PostgresOptions options = harness_.Options();
    options.small_load_bytes = small;
    const auto destination = OpenAs(options);
    Load(*destination, Old(), "old", WriteMode::kOverwrite);
    auto load = destination->Begin(Target(WriteMode::kOverwrite), kFaultsCall);
    const model::LocalPart first = Old();
    const model::LocalPart second = New();
    load->Add({&first, 1}, kFaultsCall);
    Session reader = Session::Connect(harness_.Options(), clock_, kFaultsCall);
    const Task task{"test", "a reader", {}};
    reader.Run("BEGIN ISOLATION LEVEL REPEATABLE READ", task, kFaultsCall);
    reader.Run("SELECT 1 FROM pg_class LIMIT 1", task, kFaultsCall);
    load->Add({&second, 1}, kFaultsCall);
    load->Commit({.run = "r", .attempt = "new"},
                 {.manifest_rows = 6, .footer_rows = 6, .loaded_rows = 6}, kFaultsCall);
    const auto seen = reader.Ask("SELECT count(*) FROM sales.orders", task, kFaultsCall)[0][0];
    EXPECT_EQ(seen, small == 0 ? "0" : "6");
    reader.Rollback();
    load = nullptr;
    destination->Close();
  }
}

// A session of a dead process that has not ended yet could still commit.
TEST_F(PostgresFaults, OpeningWaitsForWhatADeadProcessLeftRunning) {
  std::optional<Session> zombie = Session::Connect(harness_.Options(), clock_, kFaultsCall);
  zombie->Run("SELECT pg_advisory_lock_shared(x'736c756963650002'::bigint)", {"test", "", {}},
              kFaultsCall);
  std::unique_ptr<Destination> destination;
  {
    std::jthread opener([&] { destination = harness_.Open(); });
    Await("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    EXPECT_EQ(destination, nullptr);
    zombie.reset();
  }
  ASSERT_NE(destination, nullptr);
  Load(*destination, Old(), "old");
  ExpectOldThenNew(*destination);
  destination->Close();
}

TEST_F(PostgresFaults, AStopDuringTheMergeEndsItAndLeavesTheOldRows) {
  const auto destination = harness_.Open();
  Load(*destination, Old(), "old");
  Trigger("UPDATE", "sales.orders", "PERFORM pg_sleep(600)");
  std::stop_source stop;
  std::optional<base::ErrorInfo> failure;
  {
    std::jthread loader([&] {
      failure = Failure([&] {
        auto load = destination->Begin(Target(), kFaultsCall);
        const model::LocalPart part = New();
        load->Add({&part, 1}, kFaultsCall);
        load->Commit({.run = "r", .attempt = "new"},
                     {.manifest_rows = 3, .footer_rows = 3, .loaded_rows = 3},
                     {.stop = stop.get_token()});
      });
    });
    Await(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name LIKE "
        "'sluice %'");
    stop.request_stop();
  }
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kCancelled);
  EXPECT_FALSE(failure->in_doubt);
  ExpectOldThenNew(*destination);
  destination->Close();
}

}  // namespace
}  // namespace sluice::destinations::postgres
