// Goal: a COPY ends with the truth, whoever breaks it off, and the connection is in step with the
// server afterwards or closed.
#include "pq/copy_in.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/support/postgres_server.h"

namespace sluice::pq {
namespace {

using base::ErrorCode;

const base::SystemClock kCopyClock;

// Generous: only a hanging test meets it.
base::Call PatientCopy(std::stop_token stop = {}) {
  return {.deadline = base::Deadline::After(kCopyClock, std::chrono::seconds(60)),
          .stop = std::move(stop)};
}

class CopyInTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ConnectResult result = Connect({.values = {{"host", server_.folder().string()},
                                               {"port", std::to_string(server_.port())},
                                               {"user", test::PostgresServer::kSuperuser},
                                               {"dbname", "postgres"},
                                               {"gssencmode", "disable"}},
                                    .password = {}},
                                   kCopyClock, PatientCopy());
    ASSERT_EQ(result.failure, "");
    connection_.emplace(std::move(*result.connection));
    connection_->Run("CREATE TEMP TABLE t (n integer, v text)", PatientCopy());
  }
  std::string One(const std::string& sql) {
    const Reply reply = connection_->Run(sql, PatientCopy());
    return std::string(reply.result.value().value(0, 0).value_or("NULL"));
  }

  test::PostgresServer& server_ = test::PostgresServer::Shared();
  std::optional<Connection> connection_;
};

TEST_F(CopyInTest, BringsRowsAndTellsHowMany) {
  CopyIn copy(*connection_, "COPY t FROM STDIN", PatientCopy());
  ASSERT_FALSE(copy.refused());
  copy.Send("1\tone\n2\t");
  copy.Send("two\n");
  const Reply reply = copy.Finish();
  ASSERT_FALSE(reply.error);
  EXPECT_EQ(reply.result->tag(), "COPY 2");
  EXPECT_EQ(One("SELECT string_agg(v, ',' ORDER BY n) FROM t"), "one,two");
}

TEST_F(CopyInTest, BringsMoreThanAnySocketHolds) {
  CopyIn copy(*connection_, "COPY t FROM STDIN", PatientCopy());
  const std::string line = "1\t" + std::string(1 << 20, 'x') + "\n";
  for (int i = 0; i < 40; ++i) copy.Send(line);
  EXPECT_EQ(copy.Finish().result->tag(), "COPY 40");
}

TEST_F(CopyInTest, ARefusedStatementIsAValue) {
  const CopyIn copy(*connection_, "COPY nothing FROM STDIN", PatientCopy());
  ASSERT_TRUE(copy.refused());
  EXPECT_EQ(copy.refused()->sqlstate, "42P01");
  EXPECT_EQ(One("SELECT 1"), "1");
}

TEST_F(CopyInTest, WhatIsNoCopyIsABug) {
  EXPECT_THAT([&] { CopyIn(*connection_, "SELECT 1", PatientCopy()); },
              test::ThrowsError(ErrorCode::kInternal));
}

TEST_F(CopyInTest, AFailureAmongTheRowsIsToldAtTheEnd) {
  CopyIn copy(*connection_, "COPY t FROM STDIN", PatientCopy());
  copy.Send("not a number\tx\n");
  const std::string line = "1\t" + std::string(1 << 16, 'x') + "\n";
  for (int i = 0; i < 100; ++i) copy.Send(line);
  const Reply reply = copy.Finish();
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->sqlstate, "22P02");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
}

TEST_F(CopyInTest, AnAbortLeavesNothingAndTheConnectionUsable) {
  CopyIn copy(*connection_, "COPY t FROM STDIN", PatientCopy());
  copy.Send("1\tone\n");
  copy.Abort();
  copy.Abort();
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
}

TEST_F(CopyInTest, DroppedHalfWayItClosesTheConnection) {
  { CopyIn(*connection_, "COPY t FROM STDIN", PatientCopy()).Send("1\tone\n"); }
  EXPECT_FALSE(connection_->open());
}

TEST_F(CopyInTest, AStopEndsTheWaitForRoom) {
  // A server that does not read: it waits for a lock that this test holds.
  std::stop_source stop;
  connection_->Run("CREATE TABLE IF NOT EXISTS held (n integer, v text)", PatientCopy());
  connection_->Run(
      "CREATE OR REPLACE FUNCTION wait() RETURNS trigger AS 'BEGIN PERFORM "
      "pg_advisory_lock(99); RETURN NEW; END' LANGUAGE plpgsql; DROP TRIGGER IF "
      "EXISTS w ON held; CREATE TRIGGER w BEFORE INSERT ON held FOR EACH ROW EXECUTE "
      "FUNCTION wait()",
      PatientCopy());
  ConnectResult holder = Connect({.values = {{"host", server_.folder().string()},
                                             {"port", std::to_string(server_.port())},
                                             {"user", test::PostgresServer::kSuperuser},
                                             {"dbname", "postgres"},
                                             {"gssencmode", "disable"}},
                                  .password = {}},
                                 kCopyClock, PatientCopy());
  holder.connection->Run("SELECT pg_advisory_lock(99)", PatientCopy());
  CopyIn copy(*connection_, "COPY held FROM STDIN", PatientCopy(stop.get_token()));
  const std::string line = "1\t" + std::string(1 << 20, 'x') + "\n";
  stop.request_stop();
  EXPECT_THAT(
      [&] {
        for (int i = 0; i < 1000; ++i) copy.Send(line);
      },
      test::ThrowsError(ErrorCode::kCancelled));
  EXPECT_FALSE(connection_->open());
}

TEST_F(CopyInTest, AnEndedSessionIsInDoubt) {
  const std::string pid = One("SELECT pg_backend_pid()");
  CopyIn copy(*connection_, "COPY t FROM STDIN", PatientCopy());
  copy.Send("1\tone\n");
  server_.Run("postgres", fmt::format("SELECT pg_terminate_backend({}, 10000)", pid));
  const auto finish = [&] {
    for (int i = 0; i < 100; ++i) copy.Send("1\tone\n");
    copy.Finish();
  };
  EXPECT_THAT(finish,
              ::testing::Throws<base::Error>(::testing::AllOf(
                  ::testing::Property(&base::Error::code, ErrorCode::kUnreachable),
                  ::testing::Property(&base::Error::info,
                                      ::testing::Field(&base::ErrorInfo::in_doubt, true)))));
  EXPECT_FALSE(connection_->open());
}

}  // namespace
}  // namespace sluice::pq
