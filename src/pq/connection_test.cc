// Goal: whatever a server does or fails to do, a call ends in time, with the truth about what
// happened, and the connection is either in step with the server or closed.
#include "pq/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pq/testing/fake_server.h"
#include "tests/support/matchers.h"

namespace sluice::pq {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using testing::FakeServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Peer;

const base::SystemClock kClock;

// Generous: only a hanging test meets it.
base::Call Patient() {
  return {.deadline = base::Deadline::After(kClock, std::chrono::seconds(30)), .stop = {}};
}

base::Call Within(std::chrono::milliseconds time) {
  return {.deadline = base::Deadline::After(kClock, time), .stop = {}};
}

Parameters ParametersFor(const FakeServer& server) {
  return {.values = {{"host", "127.0.0.1"},
                     {"port", std::to_string(server.port())},
                     {"user", "IAMR:reader"},
                     {"dbname", "dev"},
                     {"sslmode", "disable"},
                     {"gssencmode", "disable"},
                     {"application_name", "test"}},
          .password = base::Secret("pa+ss/w'o\\rd=")};
}

Connection Connected(const FakeServer& server) {
  ConnectResult result = Connect(ParametersFor(server), kClock, Patient());
  EXPECT_EQ(result.failure, "");
  return std::move(result.connection.value());
}

auto ThrowsDoubtful(ErrorCode code, bool in_doubt) {
  return ::testing::Throws<base::Error>(::testing::AllOf(
      ::testing::Property("code", &base::Error::code, code),
      ::testing::Property("info", &base::Error::info,
                          ::testing::Field("in_doubt", &base::ErrorInfo::in_doubt, in_doubt))));
}

TEST(Connect, LogsInWithTheParametersAsGiven) {
  std::map<std::string, std::string> startup;
  std::string password;
  FakeServer server([&](Peer& peer) {
    startup = peer.startup();
    password = peer.ReadPassword();
    peer.AcceptLogin();
    peer.Hang();
  });
  const Connection connection = Connected(server);
  server.Stop();
  EXPECT_EQ(password, "pa+ss/w'o\\rd=");
  EXPECT_EQ(startup["user"], "IAMR:reader");
  EXPECT_EQ(startup["database"], "dev");
  EXPECT_EQ(startup["application_name"], "test");
  EXPECT_EQ(connection.ServerParameter("server_version"), "8.0.2");
  EXPECT_EQ(connection.ServerParameter("nonsense"), std::nullopt);
  EXPECT_FALSE(connection.tls());
}

TEST(Connect, SendsNothingThatNobodyAskedFor) {
  std::map<std::string, std::string> startup;
  FakeServer server([&](Peer& peer) {
    startup = peer.startup();
    peer.AcceptLogin();
    peer.Hang();
  });
  Connected(server);
  server.Stop();
  std::vector<std::string> names;
  for (const auto& entry : startup) names.push_back(entry.first);
  EXPECT_THAT(names, ElementsAre("application_name", "database", "user"));
}

TEST(Connect, GivesTheServersRefusal) {
  FakeServer server([](Peer& peer) {
    peer.Fail("28000", "IAM authentication failed for user \"IAMR:reader\"", "", "FATAL");
  });
  const ConnectResult result = Connect(ParametersFor(server), kClock, Patient());
  EXPECT_FALSE(result.connection);
  EXPECT_FALSE(result.timed_out);
  EXPECT_THAT(result.failure, HasSubstr("IAM authentication failed for user"));
  EXPECT_THAT(result.failure, ::testing::Not(HasSubstr("pa+ss")));
}

TEST(Connect, EndsAtTheDeadlineWhenTheServerStaysSilent) {
  FakeServer server([](Peer& peer) { peer.Hang(); });
  const ConnectResult result =
      Connect(ParametersFor(server), kClock, Within(std::chrono::milliseconds(50)));
  EXPECT_TRUE(result.timed_out);
  EXPECT_THAT(result.failure, HasSubstr("timed out"));
}

TEST(Connect, EndsWhenStopped) {
  std::stop_source source;
  FakeServer server([&](Peer& peer) {
    source.request_stop();
    peer.Hang();
  });
  EXPECT_THAT(
      [&] {
        Connect(ParametersFor(server), kClock,
                {.deadline = Patient().deadline, .stop = source.get_token()});
      },
      test::ThrowsError(ErrorCode::kCancelled));
}

TEST(Run, ReturnsRowsWithTypesAndNulls) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    EXPECT_EQ(peer.ReadQuery(), "SELECT a, b");
    peer.Rows({{"a", 23, -1}, {"b", 1043, 44}},
              {{"1", std::nullopt}, {"2", std::string("x\0y", 3)}});
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const Reply reply = connection.Run("SELECT a, b", Patient());
  ASSERT_TRUE(reply.result);
  EXPECT_EQ(reply.result->rows(), 2);
  EXPECT_EQ(reply.result->name(1), "b");
  EXPECT_EQ(reply.result->type_oid(0), 23U);
  EXPECT_EQ(reply.result->type_modifier(1), 44);
  EXPECT_EQ(reply.result->value(0, 1), std::nullopt);
  EXPECT_EQ(reply.result->value(1, 1), std::string_view("x\0y", 3));
}

TEST(Run, ReturnsFailuresAsValuesAndStaysUsable) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.Fail("42501", "permission denied for relation t", "some detail");
    peer.Ready();
    peer.ReadQuery();
    peer.Tag("SET");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const Reply failed = connection.Run("SELECT 1", Patient());
  ASSERT_TRUE(failed.error);
  EXPECT_FALSE(failed.result);
  EXPECT_EQ(failed.error->sqlstate, "42501");
  EXPECT_EQ(failed.error->message, "permission denied for relation t");
  EXPECT_EQ(failed.error->detail, "some detail");
  EXPECT_EQ(connection.Run("SET x", Patient()).result->tag(), "SET");
}

TEST(Run, CollectsTheNoticesOfItsOwnStatement) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    for (int i = 0; i < 150; ++i) peer.Notice("WARNING", "w" + std::to_string(i));
    peer.Notice("INFO", "the last one");
    peer.Tag("UNLOAD");
    peer.Ready();
    peer.ReadQuery();
    peer.Tag("SET");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const Reply reply = connection.Run("UNLOAD", Patient());
  ASSERT_EQ(reply.notices.size(), 100U);
  EXPECT_EQ(reply.notices.back().severity, "INFO");
  EXPECT_EQ(reply.notices.back().message, "the last one");
  EXPECT_THAT(connection.Run("SET x", Patient()).notices, IsEmpty());
}

TEST(Run, KnowsWhetherATransactionIsOpen) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    for (const char state : {'T', 'E', 'I'}) {
      peer.ReadQuery();
      peer.Tag("X");
      peer.Ready(state);
    }
    peer.Hang();
  });
  Connection connection = Connected(server);
  EXPECT_FALSE(connection.in_transaction());
  connection.Run("BEGIN", Patient());
  EXPECT_TRUE(connection.in_transaction());
  connection.Run("SELECT broken", Patient());
  EXPECT_TRUE(connection.in_transaction());
  connection.Run("ROLLBACK", Patient());
  EXPECT_FALSE(connection.in_transaction());
}

TEST(Run, CancelsAtTheServerWhenStoppedAndStaysInStep) {
  std::stop_source source;
  FakeServer server([&](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    source.request_stop();
    peer.AwaitCancel();
    peer.Fail("57014", "Query (1) canceled on user's request");
    peer.Ready();
    peer.ReadQuery();
    peer.Tag("SET");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const base::Call call{.deadline = Patient().deadline, .stop = source.get_token()};
  EXPECT_THAT([&] { connection.Run("SELECT slow", call); },
              ThrowsDoubtful(ErrorCode::kCancelled, false));
  EXPECT_EQ(server.cancels(), 1);
  EXPECT_TRUE(connection.open());
  EXPECT_EQ(connection.Run("SET x", Patient()).result->tag(), "SET");
}

TEST(Run, CancelsAtTheDeadline) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.AwaitCancel();
    peer.Fail("57014", "Query (1) canceled on user's request");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  EXPECT_THAT([&] { connection.Run("SELECT slow", Within(std::chrono::milliseconds(50))); },
              ThrowsDoubtful(ErrorCode::kTimeout, false));
  EXPECT_TRUE(connection.open());
}

TEST(Run, TakesAnyFailureAfterTheCancelAsTheCancellation) {
  std::stop_source source;
  FakeServer server([&](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    source.request_stop();
    peer.AwaitCancel();
    peer.Fail("XX000", "internal error");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const base::Call call{.deadline = Patient().deadline, .stop = source.get_token()};
  EXPECT_THAT([&] { connection.Run("UNLOAD", call); },
              ThrowsDoubtful(ErrorCode::kCancelled, false));
}

TEST(Run, TellsTheTruthWhenTheServerFinishedBeforeTheCancel) {
  std::stop_source source;
  FakeServer server([&](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    source.request_stop();
    peer.AwaitCancel();
    peer.Tag("COMMIT");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const base::Call call{.deadline = Patient().deadline, .stop = source.get_token()};
  EXPECT_EQ(connection.Run("COMMIT", call).result->tag(), "COMMIT");
}

TEST(Run, SendsNothingWhenAlreadyStopped) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    EXPECT_THROW(peer.ReadQuery(), testing::TalkEnded);
  });
  Connection connection = Connected(server);
  std::stop_source source;
  source.request_stop();
  EXPECT_THAT([&] { connection.Run("SELECT 1", {.deadline = {}, .stop = source.get_token()}); },
              test::ThrowsError(ErrorCode::kCancelled));
  EXPECT_THAT([&] { connection.Run("SELECT 1", Within(std::chrono::milliseconds(0))); },
              test::ThrowsError(ErrorCode::kTimeout));
  connection.Close();
}

TEST(Run, IsInDoubtWhenTheSocketBreaks) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
  });
  Connection connection = Connected(server);
  EXPECT_THAT([&] { connection.Run("COMMIT", Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, true));
  EXPECT_FALSE(connection.open());
  // Nothing is sent any more, so there is nothing to doubt.
  EXPECT_THAT([&] { connection.Run("COMMIT", Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, false));
}

TEST(Run, IsInDoubtWhenTheServerEndsTheSession) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.Fail("57P01", "terminating connection due to administrator command", "", "FATAL");
  });
  Connection connection = Connected(server);
  EXPECT_THAT([&] { connection.Run("COMMIT", Patient()); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &base::ErrorInfo::message,
                                    HasSubstr("57P01")));
}

TEST(Run, SendsStatementsLargerThanTheSocketTakesAtOnce) {
  const std::string large = "SELECT '" + std::string(12U << 20U, 'x') + "'";
  bool same = false;
  FakeServer server([&](Peer& peer) {
    peer.AcceptLogin();
    same = peer.ReadQuery() == large;
    peer.Tag("SELECT");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  EXPECT_TRUE(connection.Run(large, Patient()).result);
  server.Stop();
  EXPECT_TRUE(same);
}

TEST(Run, ReportsTheFirstFailureOfSeveralStatements) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.Tag("SET");
    peer.Fail("22023", "first");
    peer.Ready();
    peer.Hang();
  });
  Connection connection = Connected(server);
  const Reply reply = connection.Run("SET a; SET b", Patient());
  EXPECT_FALSE(reply.result);
  EXPECT_EQ(reply.error->message, "first");
}

TEST(Connection, CanBeMoved) {
  FakeServer server([](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.Notice("INFO", "still heard");
    peer.Tag("SET");
    peer.Ready();
    peer.Hang();
  });
  Connection first = Connected(server);
  Connection second = std::move(first);
  EXPECT_EQ(second.Run("SET x", Patient()).notices.size(), 1U);
}

}  // namespace
}  // namespace sluice::pq
