// Goal: each failure tells what to do, filled in; no text of the server that may quote a row or a
// statement is passed on.
#include "destinations/postgres/server_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;
using ::testing::HasSubstr;
using ::testing::Not;

const ServerContext kContext{.operation = "load",
                             .subject = "table sales.orders",
                             .user = "loa\"der",
                             .host = "db.example.com",
                             .port = 5432,
                             .database = "acme",
                             .schema = "sales",
                             .table = "orders"};

struct StatementCase {
  const char* sqlstate;
  const char* message;
  ErrorCode code;
  bool retryable;
  const char* says;
  const char* remedy;
};

class Statements : public ::testing::TestWithParam<StatementCase> {};

// Every text holds what an error must not: a value, in the server's own words and in its detail.
TEST_P(Statements, TellWhatToDo) {
  const StatementCase& c = GetParam();
  const base::ErrorInfo info = StatementFailure({.severity = "ERROR",
                                                 .sqlstate = c.sqlstate,
                                                 .message = c.message,
                                                 .detail = "Key (n)=(4711) SECRET",
                                                 .hint = "SECRET",
                                                 .column = "note",
                                                 .constraint = "orders_check"},
                                                kContext);
  EXPECT_EQ(info.code, c.code);
  EXPECT_EQ(info.retryable, c.retryable);
  EXPECT_FALSE(info.in_doubt);
  EXPECT_EQ(info.operation, "load");
  EXPECT_EQ(info.subject, "table sales.orders");
  EXPECT_THAT(info.message, HasSubstr(c.says));
  EXPECT_THAT(info.remedy, HasSubstr(c.remedy));
  for (const std::string& text : {info.message, info.remedy, info.cause}) {
    EXPECT_THAT(text, Not(HasSubstr("SECRET")));
    EXPECT_THAT(text, Not(HasSubstr("{")));
  }
}

constexpr bool kRetry = true;
constexpr bool kFinal = false;

INSTANTIATE_TEST_SUITE_P(
    Table, Statements,
    ::testing::Values(
        StatementCase{"08006", "connection failure SECRET", ErrorCode::kUnreachable, kRetry,
                      "08006", "Run again"},
        StatementCase{"0A000", "cannot alter type of a column used by a view or rule",
                      ErrorCode::kUnsupported, kFinal, "a view depends", "Drop the view"},
        StatementCase{"0A000", "cannot do that", ErrorCode::kUnsupported, kFinal, "0A000",
                      "schema_changes: freeze"},
        StatementCase{"22021", "invalid byte sequence SECRET", ErrorCode::kUnsupported, kFinal,
                      "encoding does not allow", "UTF8"},
        StatementCase{"22P05", "character SECRET", ErrorCode::kUnsupported, kFinal,
                      "encoding does not have", "UTF8"},
        StatementCase{"22P02", "invalid input syntax for type json: SECRET", ErrorCode::kCorrupt,
                      kFinal, "not JSON", "fresh UNLOAD"},
        StatementCase{"22003", "value \"SECRET\" is out of range", ErrorCode::kCorrupt, kFinal,
                      "22003", "Widen the column"},
        StatementCase{"23502", "null value SECRET", ErrorCode::kDestination, kFinal, "column note",
                      R"(ALTER TABLE "sales"."orders" ALTER COLUMN "note" DROP NOT NULL;)"},
        StatementCase{"23503", "insert SECRET violates", ErrorCode::kDestination, kFinal,
                      "foreign key orders_check", "constraint"},
        StatementCase{"23505", "duplicate key SECRET", ErrorCode::kConflict, kFinal,
                      "unique constraint orders_check", R"(DROP CONSTRAINT "orders_check";)"},
        StatementCase{"23514", "new row SECRET", ErrorCode::kDestination, kFinal,
                      "check orders_check", "constraint"},
        StatementCase{"23P01", "SECRET", ErrorCode::kDestination, kFinal, "23P01", "constraint"},
        StatementCase{"25006", "SECRET", ErrorCode::kPermission, kFinal, "takes no writes",
                      R"(ALTER ROLE "loa""der" RESET)"},
        StatementCase{"25P02", "SECRET", ErrorCode::kInternal, kFinal, "had failed", "report"},
        StatementCase{"2BP01", "cannot drop table orders", ErrorCode::kConflict, kFinal,
                      "depends on the table", "schema_changes: freeze"},
        StatementCase{"3D000", "SECRET", ErrorCode::kNotFound, kFinal, "database acme",
                      R"(CREATE DATABASE "acme";)"},
        StatementCase{"3F000", "SECRET", ErrorCode::kConflict, kRetry, "schema was dropped",
                      "Run again"},
        StatementCase{"40P01", "SECRET", ErrorCode::kConflict, kRetry, "waited for each other",
                      "Run again"},
        StatementCase{"40001", "SECRET", ErrorCode::kConflict, kRetry, "another transaction",
                      "Run again"},
        StatementCase{"42501", "permission denied for database acme", ErrorCode::kPermission,
                      kFinal, "make a schema", R"(GRANT CREATE ON DATABASE "acme" TO "loa""der";)"},
        StatementCase{"42501", "permission denied for schema other", ErrorCode::kPermission, kFinal,
                      "schema other", R"(GRANT USAGE, CREATE ON SCHEMA "other" TO "loa""der";)"},
        StatementCase{"42501", "must be owner of table orders", ErrorCode::kPermission, kFinal,
                      "only its owner", R"(ALTER TABLE "sales"."orders" OWNER TO "loa""der";)"},
        StatementCase{"42501", "permission denied for table orders", ErrorCode::kPermission, kFinal,
                      "may not do this", R"(DELETE ON TABLE "sales"."orders" TO "loa""der";)"},
        StatementCase{"428C9", "cannot insert a non-DEFAULT value into column \"n\"",
                      ErrorCode::kUnsupported, kFinal, "GENERATED ALWAYS", "DROP IDENTITY"},
        StatementCase{"42P01", "SECRET", ErrorCode::kConflict, kRetry, "dropped or renamed",
                      "Run again"},
        StatementCase{"42703", "SECRET", ErrorCode::kConflict, kRetry, "a column was", "Run again"},
        StatementCase{"42P07", "SECRET", ErrorCode::kConflict, kRetry, "was made meanwhile",
                      "Run again"},
        StatementCase{"42804", "SECRET", ErrorCode::kUnsupported, kFinal, "another type", "--full"},
        StatementCase{"53100", "could not extend file", ErrorCode::kNoSpace, kFinal, "disk is full",
                      "Free space"},
        StatementCase{"53200", "SECRET", ErrorCode::kUnavailable, kRetry, "out of memory",
                      "work_mem"},
        StatementCase{"53300", "SECRET", ErrorCode::kThrottled, kRetry, "no connection left",
                      "destination.connections"},
        StatementCase{"53400", "temporary file size exceeds temp_file_limit", ErrorCode::kNoSpace,
                      kFinal, "temp_file_limit", R"(ALTER ROLE "loa""der" SET temp_file_limit)"},
        StatementCase{"54000", "index row size SECRET", ErrorCode::kUnsupported, kFinal, "54000",
                      "primary_key"},
        StatementCase{"55000", "cannot delete from table without a replica identity",
                      ErrorCode::kUnsupported, kFinal, "publication",
                      R"(ALTER TABLE "sales"."orders" REPLICA IDENTITY FULL;)"},
        StatementCase{"55006", "SECRET", ErrorCode::kConflict, kRetry, "in use", "Run again"},
        StatementCase{"55P03", "SECRET", ErrorCode::kConflict, kRetry, "another session holds",
                      "end it"},
        StatementCase{"57014", "SECRET", ErrorCode::kTimeout, kRetry, "cancelled", "Run again"},
        StatementCase{"57P03", "the database system is starting up", ErrorCode::kUnavailable,
                      kRetry, "does not take sessions", "Run again"},
        StatementCase{"57P04", "SECRET", ErrorCode::kNotFound, kFinal, "was dropped",
                      "CREATE DATABASE"},
        StatementCase{"57P01", "SECRET", ErrorCode::kUnavailable, kRetry, "57P01", "Run again"},
        StatementCase{"58030", "could not read file", ErrorCode::kDestination, kFinal, "58030",
                      "log"},
        StatementCase{"XX001", "invalid page", ErrorCode::kDestination, kFinal, "is damaged",
                      "restore"},
        StatementCase{"XX002", "index", ErrorCode::kDestination, kFinal, "index of the server",
                      R"(REINDEX TABLE "sales"."orders";)"},
        StatementCase{"P0001", "SECRET", ErrorCode::kDestination, kFinal, "P0001", "report"}));

struct LoginCase {
  const char* text;
  ErrorCode code;
  bool retryable;
  const char* says;
  const char* remedy;
};

class Logins : public ::testing::TestWithParam<LoginCase> {};

TEST_P(Logins, TellWhatToDo) {
  const LoginCase& c = GetParam();
  const base::ErrorInfo info = LoginFailure(c.text, false, kContext);
  EXPECT_EQ(info.code, c.code);
  EXPECT_EQ(info.retryable, c.retryable);
  EXPECT_THAT(info.message, HasSubstr(c.says));
  EXPECT_THAT(info.remedy, HasSubstr(c.remedy));
  EXPECT_THAT(info.message + info.remedy, Not(HasSubstr("{")));
}

INSTANTIATE_TEST_SUITE_P(
    Table, Logins,
    ::testing::Values(
        LoginCase{"FATAL:  password authentication failed for user \"x\"\n",
                  ErrorCode::kAuthentication, kFinal, "password of role loa\"der", "password"},
        LoginCase{"fe_sendauth: no password supplied\n", ErrorCode::kAuthentication, kFinal,
                  "there is none", ".pgpass"},
        LoginCase{"FATAL:  no pg_hba.conf entry for host \"1.2.3.4\"", ErrorCode::kAuthentication,
                  kFinal, "pg_hba.conf", "pg_reload_conf"},
        LoginCase{"FATAL:  pg_hba.conf rejects connection for host", ErrorCode::kAuthentication,
                  kFinal, "refuses", "pg_reload_conf"},
        LoginCase{"FATAL:  Peer authentication failed for user \"x\"", ErrorCode::kAuthentication,
                  kFinal, "this system's user", "pg_hba.conf"},
        LoginCase{"FATAL:  role \"x\" is not permitted to log in", ErrorCode::kAuthentication,
                  kFinal, "may not log in", R"(ALTER ROLE "loa""der" LOGIN;)"},
        LoginCase{"FATAL:  role \"x\" does not exist", ErrorCode::kAuthentication, kFinal,
                  "does not exist", R"(CREATE ROLE "loa""der")"},
        LoginCase{"FATAL:  permission denied for database \"acme\"", ErrorCode::kPermission, kFinal,
                  "may not connect", R"(GRANT CONNECT ON DATABASE "acme" TO "loa""der";)"},
        LoginCase{"FATAL:  database \"acme\" does not exist", ErrorCode::kNotFound, kFinal,
                  "database acme", R"(CREATE DATABASE "acme";)"},
        LoginCase{"FATAL:  sorry, too many clients already", ErrorCode::kThrottled, kRetry,
                  "no connection left", "max_connections"},
        LoginCase{"FATAL:  remaining connection slots are reserved", ErrorCode::kThrottled, kRetry,
                  "no connection left", "max_connections"},
        LoginCase{"FATAL:  the database system is starting up", ErrorCode::kUnavailable, kRetry,
                  "sessions now", "Run again"},
        LoginCase{"server does not support SSL, but SSL was required", ErrorCode::kUnreachable,
                  kFinal, "does not offer TLS", "ssl = on"},
        LoginCase{"root certificate file \"/x\" does not exist", ErrorCode::kInvalidConfig, kFinal,
                  "cannot be read", "sslrootcert"},
        LoginCase{"could not read root certificate file \"/x\"", ErrorCode::kInvalidConfig, kFinal,
                  "cannot be read", "sslrootcert"},
        LoginCase{"SSL error: certificate verify failed", ErrorCode::kUnreachable, kFinal,
                  "no trusted authority", "sslrootcert"},
        LoginCase{"server certificate for \"a\" does not match host name \"b\"",
                  ErrorCode::kUnreachable, kFinal, "another name", "verify-ca"},
        LoginCase{"could not translate host name \"x\" to address", ErrorCode::kUnreachable, kRetry,
                  "cannot be resolved", "destination.host"},
        LoginCase{"connection to server failed: Connection refused", ErrorCode::kUnreachable,
                  kRetry, "no server listens at db.example.com:5432", "firewall"},
        LoginCase{"connection to server on socket failed: No such file or directory",
                  ErrorCode::kUnreachable, kRetry, "no server listens", "Start the server"},
        LoginCase{"something new", ErrorCode::kUnreachable, kRetry, "cannot be used", "firewall"}));

TEST(LoginFailure, IsATimeoutIfTheTimePassed) {
  EXPECT_EQ(LoginFailure("timed out: the port did not answer", true, kContext).code,
            ErrorCode::kTimeout);
}

TEST(LoginFailure, KeepsPlaceholdersForWhatIsNotKnown) {
  EXPECT_THAT(LoginFailure("database \"x\" does not exist", false, {}).remedy,
              HasSubstr("\"<database>\""));
}

}  // namespace
}  // namespace sluice::destinations::postgres
