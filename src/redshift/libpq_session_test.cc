// Goal: a log-in that fails says why and what to do; a session tells the truth about every
// statement, cancels at the server when stopped, and shows no statement, value or key.
#include "redshift/libpq_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pq/testing/fake_server.h"
#include "tests/support/matchers.h"
#include "tests/support/null_logger.h"
#include "tests/support/temp_dir.h"

namespace sluice::redshift {
namespace {

using base::ErrorCode;
using base::ErrorInfo;
using pq::testing::FakeServer;
using pq::testing::Peer;
using pq::testing::TlsIdentity;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const base::SystemClock kClock;

base::Call Patient() {
  return {.deadline = base::Deadline::After(kClock, std::chrono::seconds(30)), .stop = {}};
}

auto ThrowsDoubtful(ErrorCode code, bool in_doubt) {
  return ::testing::Throws<base::Error>(
      AllOf(::testing::Property("code", &base::Error::code, code),
            ::testing::Property("info", &base::Error::info,
                                ::testing::Field("in_doubt", &ErrorInfo::in_doubt, in_doubt))));
}

class LibpqSession : public ::testing::Test {
 protected:
  LibpqSession() { identity_.WriteCertificate(roots_); }

  // A server that logs the client in, takes its settings and then talks as `talk` does.
  FakeServer& Serve(std::function<void(Peer&)> talk) {
    return ServeRaw([this, talk = std::move(talk)](Peer& peer) {
      password_ = peer.ReadPassword();
      peer.AcceptLogin();
      settings_ = peer.ReadQuery();
      peer.Tag("SET");
      peer.Ready();
      talk(peer);
    });
  }
  FakeServer& ServeRaw(std::function<void(Peer&)> talk, bool tls = true) {
    server_ = std::make_unique<FakeServer>(std::move(talk), tls ? &identity_ : nullptr);
    return *server_;
  }

  LoginOptions Options(int port) {
    return {.host = "localhost",
            .port = port,
            .database = "dev",
            .mint =
                [this](const base::Call&) {
                  return DbCredentials{
                      .user = "IAMR:reader",
                      .password = base::Secret("pw+/=" + std::to_string(++minted_))};
                },
            .ssl_root_cert = roots_,
            .workgroup = "analytics",
            .bucket = "acme-staging",
            .bucket_region = "eu-west-1"};
  }
  std::unique_ptr<Session> LoginTo(const FakeServer& server) {
    return Login(Options(server.port()), kClock, log_, Patient());
  }

  test::TempDir dir_;
  const std::string roots_ = dir_.path() / "roots.pem";
  const TlsIdentity identity_{"DNS:localhost"};
  test::NullLogger log_;
  int minted_ = 0;
  std::string password_;
  std::string settings_;
  std::unique_ptr<FakeServer> server_;
};

TEST_F(LibpqSession, LogsInOverTlsAndSetsTheSessionUpInOneRoundTrip) {
  std::map<std::string, std::string> startup;
  bool tls = false;
  Serve([&](Peer& peer) {
    startup = peer.startup();
    tls = peer.tls();
    peer.Hang();
  });
  LoginOptions options = Options(server_->port());
  options.query_group = "it's";
  options.statement_timeout = std::chrono::seconds(3);
  Login(options, kClock, log_, Patient());
  server_->Stop();
  EXPECT_TRUE(tls);
  EXPECT_EQ(startup["user"], "IAMR:reader");
  EXPECT_EQ(startup["database"], "dev");
  EXPECT_EQ(startup["client_encoding"], "UTF8");
  EXPECT_THAT(startup["application_name"], ::testing::StartsWith("sluice/"));
  EXPECT_EQ(startup.size(), 4U);
  EXPECT_EQ(password_, "pw+/=1");
  EXPECT_EQ(settings_,
            "SET query_group TO 'it''s'; SET timezone TO 'UTC'; SET datestyle TO 'ISO, MDY'; "
            "SET statement_timeout TO 3000; SET enable_case_sensitive_identifier TO true");
}

TEST_F(LibpqSession, SetsNothingThatTheServerTellsToBeSoAlready) {
  std::string settings;
  ServeRaw([&](Peer& peer) {
    peer.AcceptLogin("8.0.2", {{"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}});
    settings = peer.ReadQuery();
    peer.Tag("SET");
    peer.Ready();
    peer.ReadQuery();
  });
  Login(Options(server_->port()), kClock, log_, Patient());
  server_->Stop();
  EXPECT_EQ(settings, "SET query_group TO 'sluice'; SET enable_case_sensitive_identifier TO true");
}

TEST_F(LibpqSession, SetsUpOneByOneWhereABatchIsRefused) {
  std::vector<std::string> settings;
  ServeRaw([&](Peer& peer) {
    peer.AcceptLogin();
    peer.ReadQuery();
    peer.Fail("42601", "cannot insert multiple commands");
    peer.Ready();
    for (int i = 0; i < 3; ++i) {
      settings.push_back(peer.ReadQuery());
      peer.Tag("SET");
      peer.Ready();
    }
    peer.Hang();
  });
  LoginOptions options = Options(server_->port());
  options.case_sensitive_identifiers = false;
  Login(options, kClock, log_, Patient());
  server_->Stop();
  EXPECT_THAT(settings, ElementsAre("SET query_group TO 'sluice'", "SET timezone TO 'UTC'",
                                    "SET datestyle TO 'ISO, MDY'"));
}

// A query of the configuration stands in what Query sends: the server takes one statement of it.
TEST_F(LibpqSession, SendsQueriesByTheProtocolThatTakesOneStatement) {
  std::vector<bool> extended;
  Serve([&](Peer& peer) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(peer.ReadQuery(), "SELECT n");
      extended.push_back(peer.by_extended_protocol());
      peer.Rows({{"n", 23, -1}}, {{"7"}});
      peer.Ready();
    }
    peer.ReadQuery();
    extended.push_back(peer.by_extended_protocol());
    peer.Fail("42601", "syntax error");
    peer.Ready();
    peer.ReadQuery();
    extended.push_back(peer.by_extended_protocol());
    peer.Tag("UNLOAD");
    peer.Ready();
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  EXPECT_EQ(session->Query("SELECT n", Patient()).rows.at(0).at(0), "7");
  EXPECT_EQ(session->Query("SELECT n", Patient()).columns.at(0).type_oid, 23U);
  EXPECT_THAT([&] { session->Query("SELEC", Patient()); }, test::ThrowsError(ErrorCode::kSource));
  session->Unload(base::Secret("UNLOAD"), Patient());
  server_->Stop();
  EXPECT_THAT(extended, ElementsAre(true, true, true, false));
}

TEST_F(LibpqSession, TriesOnceMoreWithANewPassword) {
  for (const char* text : {"IAM Authentication token has expired",
                           "IAM authentication failed for user \"IAMR:reader\""}) {
    minted_ = 0;
    ServeRaw([&](Peer& peer) {
      if (peer.ReadPassword() == "pw+/=1") {
        peer.Fail("28000", text, "", "FATAL");
        return;
      }
      peer.AcceptLogin();
      peer.ReadQuery();
      peer.Tag("SET");
      peer.Ready();
      peer.Hang();
    });
    LoginTo(*server_);
    EXPECT_EQ(minted_, 2) << text;
  }
}

TEST_F(LibpqSession, ASecondRefusalIsFinal) {
  ServeRaw([](Peer& peer) {
    peer.ReadPassword();
    peer.Fail("28000", "IAM authentication failed for user \"IAMR:reader\"", "", "FATAL");
  });
  EXPECT_THAT([&] { LoginTo(*server_); },
              test::ThrowsErrorWith(ErrorCode::kAuthentication, &ErrorInfo::message,
                                    AllOf(HasSubstr("IAMR:reader"), Not(HasSubstr("pw+")))));
  EXPECT_EQ(minted_, 2);
}

TEST_F(LibpqSession, OtherRefusalsAreNotTriedAgain) {
  ServeRaw([](Peer& peer) {
    peer.ReadPassword();
    peer.Fail("3D000", "database \"dev\" does not exist", "", "FATAL");
  });
  EXPECT_THAT([&] { LoginTo(*server_); }, test::ThrowsError(ErrorCode::kNotFound));
  EXPECT_EQ(minted_, 1);
}

TEST_F(LibpqSession, ExplainsTheAddressThatAnswered) {
  ServeRaw([](Peer& peer) {
    peer.ReadPassword();
    peer.Fail("3D000", "database \"dev\" does not exist", "", "FATAL");
  });
  LoginOptions options = Options(server_->port());
  options.host = "127.0.0.2,localhost";  // as a name with two addresses, of which one refuses
  EXPECT_THAT([&] { Login(options, kClock, log_, Patient()); },
              test::ThrowsError(ErrorCode::kNotFound));
}

TEST_F(LibpqSession, WaitsTwiceForASleepingWorkgroup) {
  ServeRaw([](Peer& peer) { peer.Hang(); });
  LoginOptions options = Options(server_->port());
  options.connect_timeout = std::chrono::milliseconds(50);
  EXPECT_THAT([&] { Login(options, kClock, log_, Patient()); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("stays silent")));
  EXPECT_EQ(minted_, 2);
}

TEST_F(LibpqSession, EndsAtTheCallersDeadline) {
  ServeRaw([](Peer& peer) { peer.Hang(); });
  const base::Call call{.deadline = base::Deadline::After(kClock, std::chrono::milliseconds(50)),
                        .stop = {}};
  EXPECT_THAT([&] { Login(Options(server_->port()), kClock, log_, call); },
              test::ThrowsError(ErrorCode::kTimeout));
  EXPECT_EQ(minted_, 1);
}

TEST_F(LibpqSession, SaysWhenNothingListens) {
  // A bound socket that does not listen keeps the port refusing.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_THAT([&] { Login(Options(ntohs(address.sin_port)), kClock, log_, Patient()); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("refuses connections")));
  close(fd);
}

TEST_F(LibpqSession, SaysWhenTheNameIsUnknown) {
  LoginOptions options = Options(5439);
  options.host = "no such name";  // refused by the resolver itself, without a network
  EXPECT_THAT([&] { Login(options, kClock, log_, Patient()); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("does not exist")));
}

TEST_F(LibpqSession, SaysWhenTheServerHasNoTls) {
  ServeRaw([](Peer&) {}, false);
  EXPECT_THAT([&] { LoginTo(*server_); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("does not offer TLS")));
}

TEST_F(LibpqSession, SaysWhenTheCertificateIsNotTrusted) {
  ServeRaw([](Peer&) {});
  TlsIdentity("DNS:localhost").WriteCertificate(roots_);
  EXPECT_THAT([&] { LoginTo(*server_); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("certificate of localhost")));
}

TEST_F(LibpqSession, SaysWhenTheCertificateIsForAnotherHost) {
  const TlsIdentity other("DNS:other.example.com");
  other.WriteCertificate(roots_);
  FakeServer server([](Peer&) {}, &other);
  EXPECT_THAT([&] { LoginTo(server); },
              test::ThrowsErrorWith(ErrorCode::kUnreachable, &ErrorInfo::message,
                                    HasSubstr("not for localhost")));
}

TEST_F(LibpqSession, SaysWhenTheRootsAreMissing) {
  ServeRaw([](Peer&) {});
  LoginOptions options = Options(server_->port());
  options.ssl_root_cert = dir_.path() / "none.pem";
  EXPECT_THAT([&] { Login(options, kClock, log_, Patient()); },
              test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &ErrorInfo::remedy,
                                    HasSubstr("redshift.sslrootcert")));
}

TEST_F(LibpqSession, SaysWhenItIsNoRedshift) {
  ServeRaw([](Peer& peer) {
    peer.AcceptLogin("15.9 (Debian)");
    peer.ReadQuery();
    peer.Rows({{"version"}}, {{"PostgreSQL 15.9 on x86_64"}});
    peer.Ready();
    peer.Hang();
  });
  EXPECT_THAT([&] { LoginTo(*server_); },
              test::ThrowsErrorWith(ErrorCode::kInvalidConfig, &ErrorInfo::message,
                                    HasSubstr("not a Redshift; it calls itself version 15.9")));
}

TEST_F(LibpqSession, TakesARedshiftWithAnotherVersionNumber) {
  ServeRaw([](Peer& peer) {
    peer.AcceptLogin("9.2.0");
    peer.ReadQuery();
    peer.Rows({{"version"}}, {{std::string("PostgreSQL 9.2.0, Redshift 2.0.1\0", 33)}});
    peer.Ready();
    peer.ReadQuery();
    peer.Tag("SET");
    peer.Ready();
    peer.Hang();
  });
  EXPECT_NE(LoginTo(*server_), nullptr);
}

TEST_F(LibpqSession, PassesFailuresOfTheMintOn) {
  LoginOptions options = Options(5439);
  options.mint = [](const base::Call&) -> DbCredentials {
    throw base::Error({.code = ErrorCode::kPermission, .message = "no"});
  };
  EXPECT_THAT([&] { Login(options, kClock, log_, Patient()); },
              test::ThrowsError(ErrorCode::kPermission));
}

TEST_F(LibpqSession, QueriesReturnRows) {
  Serve([](Peer& peer) {
    peer.ReadQuery();
    peer.Rows({{"id", 20, -1}, {"name", 1043, 44}}, {{"1", std::nullopt}});
    peer.Ready();
    peer.Hang();
  });
  const auto result = LoginTo(*server_)->Query("SELECT id, name FROM t", Patient());
  ASSERT_EQ(result.columns.size(), 2U);
  EXPECT_EQ(result.columns[1].name, "name");
  EXPECT_EQ(result.columns[1].type_modifier, 44);
  EXPECT_THAT(result.rows, ElementsAre(ElementsAre("1", std::nullopt)));
}

TEST_F(LibpqSession, FailuresNameTheTableOfTheStatementAndTheRealUser) {
  Serve([](Peer& peer) {
    peer.ReadQuery();
    peer.Fail("42501", "permission denied for relation orders");
    peer.Ready();
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  EXPECT_THAT(
      [&] {
        session->Query(R"(SELECT 1 FROM hr.people JOIN "sales"."orders" ON true)", Patient());
      },
      test::ThrowsErrorWith(
          ErrorCode::kPermission, &ErrorInfo::remedy,
          HasSubstr("GRANT SELECT ON TABLE \"sales\".\"orders\" TO \"IAMR:reader\";")));
}

TEST_F(LibpqSession, UnloadReadsItsRowsFromTheNotice) {
  Serve([](Peer& peer) {
    for (const char* notice : {"UNLOAD completed, 12345678901 record(s) unloaded successfully.",
                               "UNLOAD completed, 0 record(s) unloaded successfully.",
                               "something else", "UNLOAD completed, x record(s)"}) {
      peer.ReadQuery();
      peer.Notice("INFO", notice);
      peer.Tag("UNLOAD");
      peer.Ready();
    }
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  const base::Secret statement("UNLOAD");
  EXPECT_EQ(session->Unload(statement, Patient()).notice_rows, 12345678901U);
  EXPECT_EQ(session->Unload(statement, Patient()).notice_rows, 0U);
  EXPECT_EQ(session->Unload(statement, Patient()).notice_rows, std::nullopt);
  EXPECT_EQ(session->Unload(statement, Patient()).notice_rows, std::nullopt);
}

TEST_F(LibpqSession, UnloadTellsWhyS3RefusedWithoutTheKeys) {
  Serve([](Peer& peer) {
    peer.ReadQuery();
    peer.Fail("XX000", "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid R1",
              "query:     4711\n");
    peer.Ready();
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  const base::Secret statement(
      R"(UNLOAD ('SELECT "a" FROM "sales"."orders"') TO 's3://x/' SECRET_ACCESS_KEY 'hunter2')");
  try {
    session->Unload(statement, Patient());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kPermission);
    EXPECT_EQ(error.info().operation, "UNLOAD");
    EXPECT_EQ(error.info().subject, "table sales.orders");
    EXPECT_THAT(error.info().message, HasSubstr("request id R1, query 4711"));
    EXPECT_THAT(std::string(error.what()) + error.info().remedy, Not(HasSubstr("hunter2")));
    EXPECT_FALSE(error.info().in_doubt);
  }
}

TEST_F(LibpqSession, UnloadIsCancelledAtTheServerWhenStopped) {
  std::stop_source source;
  Serve([&](Peer& peer) {
    peer.ReadQuery();
    source.request_stop();
    peer.AwaitCancel();
    peer.Fail("57014", "Query (1) canceled on user's request");
    peer.Ready();
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  EXPECT_THAT(
      [&] {
        session->Unload(base::Secret("UNLOAD"),
                        {.deadline = Patient().deadline, .stop = source.get_token()});
      },
      ThrowsDoubtful(ErrorCode::kCancelled, false));
}

TEST_F(LibpqSession, ALimitOfTheServerIsATimeoutNotACancellation) {
  Serve([](Peer& peer) {
    peer.ReadQuery();
    peer.Fail("57014", "Query (1) canceled on user's request");
    peer.Ready();
    peer.Hang();
  });
  EXPECT_THAT([&] { LoginTo(*server_)->Query("SELECT 1", Patient()); },
              test::ThrowsError(ErrorCode::kTimeout));
}

TEST_F(LibpqSession, ABrokenSocketLeavesDoubtOnlyWhereSomethingMayHaveChanged) {
  Serve([](Peer& peer) { peer.ReadQuery(); });
  EXPECT_THAT([&] { LoginTo(*server_)->Unload(base::Secret("UNLOAD"), Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, true));
  EXPECT_THAT([&] { LoginTo(*server_)->Commit(Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, true));
  EXPECT_THAT([&] { LoginTo(*server_)->Query("SELECT 1", Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, false));
  EXPECT_THAT([&] { LoginTo(*server_)->Begin(Patient()); },
              ThrowsDoubtful(ErrorCode::kUnreachable, false));
}

TEST_F(LibpqSession, CommitOfAFailedTransactionIsAConflict) {
  Serve([](Peer& peer) {
    EXPECT_EQ(peer.ReadQuery(), "COMMIT");
    peer.Tag("ROLLBACK");
    peer.Ready();
    EXPECT_EQ(peer.ReadQuery(), "COMMIT");
    peer.Tag("COMMIT");
    peer.Ready();
    peer.Hang();
  });
  const auto session = LoginTo(*server_);
  EXPECT_THAT([&] { session->Commit(Patient()); }, test::ThrowsError(ErrorCode::kConflict));
  EXPECT_NO_THROW(session->Commit(Patient()));
}

TEST_F(LibpqSession, RollbackIsSentOnlyInsideATransactionAndNeverThrows) {
  std::vector<std::string> statements;
  Serve([&](Peer& peer) {
    for (const char state : {'T', 'I', 'T'}) {
      statements.push_back(peer.ReadQuery());
      peer.Tag("X");
      peer.Ready(state);
    }
    statements.push_back(peer.ReadQuery());  // and the server goes away
  });
  const auto session = LoginTo(*server_);
  session->Rollback();
  session->Begin(Patient());
  session->Rollback();
  session->Rollback();
  session->Begin(Patient());
  session->Rollback();
  session->Rollback();
  session->Close();
  session->Close();
  server_->Stop();
  EXPECT_THAT(statements, ElementsAre("BEGIN", "ROLLBACK", "BEGIN", "ROLLBACK"));
}

}  // namespace
}  // namespace sluice::redshift
