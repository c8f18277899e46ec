#include "destinations/postgres/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/system_certificates.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;

constexpr std::chrono::seconds kLogInTime{30};
constexpr int kOldestServer = 120'000;

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

// libpq would look there by itself; our parameters leave out all that it would look up.
std::string PasswordFile() {
  if (const char* home = getenv("HOME"); home != nullptr) return std::string(home) + "/.pgpass";
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "/dev/null/none" : std::string(found->pw_dir) + "/.pgpass";
}

pq::Parameters ParametersOf(const PostgresOptions& options) {
  pq::Parameters parameters{
      .values = {{"host", options.host},
                 {"port", std::to_string(options.port)},
                 {"dbname", options.database},
                 {"user", options.user},
                 {"sslmode", options.sslmode},
                 {"gssencmode", "disable"},
                 {"client_encoding", "UTF8"},
                 // Who holds the lock is told by this.
                 {"application_name", fmt::format("sluice {} on {}", getpid(), HostName())},
                 // A peer that is gone is noticed within a minute or two, on either side.
                 {"keepalives", "1"},
                 {"keepalives_idle", "30"},
                 {"keepalives_interval", "10"},
                 {"keepalives_count", "3"},
                 {"tcp_user_timeout", "60000"}},
      .password = options.password};
  // Given beside a laxer mode, libpq holds the certificate to it all the same: as was wanted.
  if (!options.ssl_root_cert.empty()) {
    parameters.values["sslrootcert"] = options.ssl_root_cert;
  } else if (options.sslmode.starts_with("verify-")) {
    // libpq 15 has no word for the system's own (`sslrootcert=system` came with 16).
    parameters.values["sslrootcert"] = base::SystemCertificates();
  }
  if (options.password.empty()) parameters.values["passfile"] = PasswordFile();
  return parameters;
}

ServerContext ContextOf(const PostgresOptions& options) {
  return {.operation = "connect",
          .subject = NameOf(options),
          .user = options.user,
          .host = options.host,
          .port = options.port,
          .database = options.database};
}

std::uint64_t RowsOfTag(std::string_view tag) {
  const auto at = tag.rfind(' ');
  std::uint64_t rows = 0;
  if (at != std::string_view::npos) {
    std::from_chars(tag.data() + at + 1, tag.data() + tag.size(), rows);
  }
  return rows;
}

}  // namespace

std::string NameOf(const PostgresOptions& options) {
  return fmt::format("PostgreSQL database {} at {}", options.database, options.host);
}

Session Session::Connect(const PostgresOptions& options, const base::Clock& clock,
                         const base::Call& call) {
  const ServerContext context = ContextOf(options);
  const base::Call mine{.deadline = call.deadline.Sooner(base::Deadline::After(clock, kLogInTime)),
                        .stop = call.stop};
  pq::ConnectResult result = pq::Connect(ParametersOf(options), clock, mine);
  if (!result.connection) {
    base::ErrorInfo info = LoginFailure(result.failure, result.timed_out, context);
    info.cause = base::Redact(info.cause, options.password);
    throw base::Error(std::move(info));
  }
  Session session(std::move(*result.connection), context);
  session.Prepare(options, mine);
  return session;
}

void Session::Prepare(const PostgresOptions& options, const base::Call& call) {
  const Task task{.operation = "connect", .subject = context_.subject};
  if (const int version = PQserverVersion(connection_.native()); version < kOldestServer) {
    throw base::Error({.code = ErrorCode::kUnsupported,
                       .operation = task.operation,
                       .subject = task.subject,
                       .message = fmt::format("the server is PostgreSQL {}; 12 is the oldest that "
                                              "Sluice writes to",
                                              version / 10'000),
                       .remedy = "Use a newer server."});
  }
  // Limits that an administrator set for people would end a load that merely takes its time. A
  // commit that is not on disk yet must not count: the parts are deleted after it. The last two:
  // where the server knows it, it looks every few seconds whether we still live.
  const Rows rows = Ask(
      fmt::format(
          "SET standard_conforming_strings = on; SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; "
          "SET client_min_messages = error; SET "
          "statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = "
          "{}; SELECT set_config('synchronous_commit', 'on', false) WHERE "
          "current_setting('synchronous_commit') = 'off'; SELECT "
          "set_config('client_connection_check_interval', '5s', false) WHERE "
          "current_setting('client_connection_check_interval', true) IS NOT NULL; SELECT "
          "pg_backend_pid(), CAST(backend_start AS text) FROM pg_stat_get_activity("
          "pg_backend_pid())",
          options.lock_timeout.count()),
      task, call);
  backend_.started = rows.at(0).at(1).value_or("");
  const std::string pid = rows.at(0).at(0).value_or("");
  std::from_chars(pid.data(), pid.data() + pid.size(), backend_.pid);
}

ServerContext Session::ContextFor(const Task& task) const {
  ServerContext context = context_;
  context.operation = task.operation;
  if (!task.subject.empty()) context.subject = task.subject;
  context.schema = task.table.schema;
  context.table = task.table.table;
  return context;
}

void Session::Throw(const pq::ServerMessage& failure, const Task& task) const {
  throw base::Error(StatementFailure(failure, ContextFor(task)));
}

base::Error Session::Refusal(std::string sqlstate, std::string message, const Task& task) const {
  pq::ServerMessage failure;
  failure.sqlstate = std::move(sqlstate);
  failure.message = std::move(message);
  return base::Error(StatementFailure(failure, ContextFor(task)));
}

base::Error Session::Explain(const base::Error& error, const Task& task) const {
  base::ErrorInfo info = error.info();
  info.operation = task.operation;
  info.subject = task.subject.empty() ? context_.subject : task.subject;
  info.in_doubt = false;
  if (info.code == ErrorCode::kUnreachable && info.remedy.empty()) {
    info.remedy = "Run again; nothing was changed. If it stays, look at the server's log.";
  }
  return base::Error(std::move(info));
}

pq::Result Session::Run(const std::string& sql, const Task& task, const base::Call& call) {
  pq::Reply reply;
  try {
    reply = connection_.Run(sql, call);
  } catch (const base::Error& error) {
    throw Explain(error, task);
  }
  if (reply.error) Throw(*reply.error, task);
  return std::move(reply.result.value());
}

Rows Session::Ask(const std::string& sql, const Task& task, const base::Call& call) {
  const pq::Result result = Run(sql, task, call);
  Rows rows(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) {
    for (int column = 0; column < result.columns(); ++column) {
      rows[static_cast<std::size_t>(row)].emplace_back(result.value(row, column));
    }
  }
  return rows;
}

std::uint64_t Session::Change(const std::string& sql, const Task& task, const base::Call& call) {
  return RowsOfTag(Run(sql, task, call).tag());
}

void Session::Begin(const Task& task, const base::Call& call) {
  // Whatever the role's or the database's defaults are.
  Run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", task, call);
}

void Session::Commit(const Task& task) {
  pq::Reply reply;
  try {
    reply = connection_.Run("COMMIT", {});
  } catch (const base::Error& error) {
    base::ErrorInfo info = Explain(error, task).info();
    // As pq tells it: whether the statement had been sent.
    info.in_doubt = error.info().in_doubt;
    info.retryable = info.retryable && !info.in_doubt;
    if (info.in_doubt) {
      info.remedy = "Run again: the next run asks the server what became of it.";
    }
    throw base::Error(std::move(info));
  }
  if (reply.error) Throw(*reply.error, task);
  // The answer to COMMIT of a transaction that had failed is a success, with the tag ROLLBACK.
  if (reply.result && reply.result->tag() == "COMMIT") return;
  throw base::Error({.code = ErrorCode::kDestination,
                     .operation = task.operation,
                     .subject = task.subject,
                     .message = "the server rolled the transaction back instead of committing it",
                     .remedy = "Run again; nothing was changed.",
                     .retryable = true});
}

void Session::Rollback() noexcept {
  if (!open() || !in_transaction()) return;
  try {
    connection_.Run("ROLLBACK", {});
  } catch (const std::exception&) {
    Close();  // the server undoes what a session leaves open
  }
}

std::unique_ptr<pq::CopyIn> Session::Copy(const std::string& sql, const Task& task,
                                          const base::Call& call) {
  std::unique_ptr<pq::CopyIn> copy;
  try {
    copy = std::make_unique<pq::CopyIn>(connection_, sql, call);
  } catch (const base::Error& error) {
    throw Explain(error, task);
  }
  if (copy->refused()) Throw(*copy->refused(), task);
  return copy;
}

std::uint64_t Session::FinishCopy(pq::CopyIn& copy, const Task& task) {
  pq::Reply reply;
  try {
    reply = copy.Finish();
  } catch (const base::Error& error) {
    throw Explain(error, task);
  }
  if (reply.error) Throw(*reply.error, task);
  return RowsOfTag(reply.result.value().tag());
}

bool Session::LooksAlive() {
  if (!open()) return false;
  pollfd socket{.fd = PQsocket(connection_.native()), .events = POLLIN, .revents = 0};
  // Between statements the server says nothing, but for its last words.
  return poll(&socket, 1, 0) == 0;
}

}  // namespace sluice::destinations::postgres
