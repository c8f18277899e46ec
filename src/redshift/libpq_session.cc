#include "redshift/libpq_session.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "base/system_certificates.h"
#include "pq/connection.h"
#include "redshift/quoting.h"
#include "redshift/relations.h"
#include "redshift/select.h"
#include "redshift/sqlstate.h"

namespace sluice::redshift {
namespace {

using base::Call;
using base::ErrorCode;

// How long the end of a transaction that failed may take before the session is given up.
constexpr std::chrono::seconds kRollbackTime{10};

// A workgroup that is full has room again when another client ends: worth some 13 seconds, the mean
// of what these pauses add up to.
constexpr base::RetryOptions kLoginRetry{.attempts_max = 8,
                                         .backoff_first = std::chrono::milliseconds(1000),
                                         .backoff_max = std::chrono::milliseconds(5000)};

constexpr char kTooSlow[] =
    "Run again when the workgroup is less busy, or make the statement smaller: select fewer "
    "columns, "
    "or split the stream with queries.";

FailureContext ContextOf(const LoginOptions& options, const std::string& user) {
  return {.user = user,
          .host = options.host,
          .port = options.port,
          .database = options.database,
          .workgroup = options.workgroup,
          .bucket = options.bucket,
          .bucket_region = options.bucket_region};
}

// Fills in the table that the failure is about: the one whose name the server's text holds, else
// the first that the statement reads.
void NameTable(std::string_view sql, const std::string& text, FailureContext& context) {
  const auto relations = RelationsIn(sql);
  if (relations.empty()) return;
  const model::TableName* about = &relations.front();
  for (const auto& relation : relations) {
    if (text.find(relation.table) == std::string::npos) continue;
    about = &relation;
    break;
  }
  context.schema = about->schema;
  context.table = about->table;
}

// "UNLOAD completed, 12 record(s) unloaded successfully." of severity INFO.
std::optional<std::uint64_t> UnloadedRows(const std::vector<pq::ServerMessage>& notices) {
  constexpr std::string_view kStart = "UNLOAD completed, ";
  std::optional<std::uint64_t> rows;
  for (const auto& notice : notices) {
    const std::string_view text = notice.message;
    const auto at = text.find(kStart);
    if (at == std::string_view::npos) continue;
    const auto number = text.substr(at + kStart.size());
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
    const auto rest = number.substr(static_cast<std::size_t>(end - number.data()));
    if (error == std::errc() && rest.starts_with(" record")) rows = count;
  }
  return rows;
}

std::string TextOf(const std::vector<pq::ServerMessage>& notices) {
  std::string text;
  for (const auto& notice : notices) text += notice.message + "\n" + notice.detail + "\n";
  return text;
}

QueryResult ToQueryResult(const pq::Result& result) {
  QueryResult converted;
  for (int column = 0; column < result.columns(); ++column) {
    converted.columns.push_back({.name = std::string(result.name(column)),
                                 .type_oid = result.type_oid(column),
                                 .type_modifier = result.type_modifier(column)});
  }
  converted.rows.resize(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) {
    auto& fields = converted.rows[static_cast<std::size_t>(row)];
    for (int column = 0; column < result.columns(); ++column) {
      fields.emplace_back(result.value(row, column));
    }
  }
  return converted;
}

// libpq tells of each address that the name stands for, in turn. What counts is the last that got
// through to a server: with IPv6 refused, IPv4's answer is the one to explain.
std::string MostTelling(const std::string& failure) {
  constexpr std::string_view kStart = "connection to server at ";
  std::string telling;
  for (std::size_t at = 0; at < failure.size();) {
    const auto next = std::min(failure.find(kStart, at + 1), failure.size());
    std::string piece = failure.substr(at, next - at);
    at = next;
    const bool reached = piece.find("refused") == std::string::npos &&
                         piece.find("unreachable") == std::string::npos &&
                         piece.find("No route") == std::string::npos &&
                         piece.find("Connection timed out") == std::string::npos;
    if (reached || telling.empty()) telling = std::move(piece);
  }
  return telling;
}

// "PostgreSQL 8.0.2 on ..., Redshift 1.0.436211", wherever it stands in the only row; empty if it
// does not.
std::string VersionIn(const pq::Result& result) {
  if (result.rows() != 1) return {};
  for (int column = 0; column < result.columns(); ++column) {
    std::string text(result.value(0, column).value_or(""));
    text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
    const bool version =
        text.starts_with("PostgreSQL ") && text.find(", Redshift ") != std::string::npos;
    if (version) return text;
  }
  return {};
}

// Sends statements, and tells the watch of each. An open transaction is told when it begins and
// when it ends, at the latest with this.
class Watched {
 public:
  Watched(pq::Connection& connection, SessionWatch* watch, const base::Clock& clock)
      : connection_(connection), watch_(watch), clock_(clock) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { TellTransaction(false); }

  enum class Protocol { kSimple, kExtended };
  pq::Reply Run(const std::string& sql, Protocol protocol, const Call& call) {
    if (watch_ == nullptr) return Send(sql, protocol, call);
    StatementSeen seen{.sql = sql, .began = clock_.Utc()};
    const auto began = clock_.Steady();
    watch_->OnStatementBegan();
    try {
      pq::Reply reply = Send(sql, protocol, call);
      seen.duration = clock_.Steady() - began;
      Tell(seen, reply);
      return reply;
    } catch (...) {
      seen.duration = clock_.Steady() - began;
      TellTransaction(connection_.in_transaction());
      const base::Error error = base::AsError(std::current_exception());
      seen.message = error.info().message;
      seen.sqlstate = "connection";
      watch_->OnStatementEnded(seen);
      throw;
    }
  }
  // Closed, or about to be.
  void End() { TellTransaction(false); }

 private:
  pq::Reply Send(const std::string& sql, Protocol protocol, const Call& call) {
    return protocol == Protocol::kExtended ? connection_.RunOne(sql, call)
                                           : connection_.Run(sql, call);
  }

  void Tell(StatementSeen& seen, const pq::Reply& reply) {
    TellTransaction(connection_.in_transaction());
    seen.notices = TextOf(reply.notices);
    if (reply.error) {
      seen.sqlstate = reply.error->sqlstate;
      seen.message = reply.error->message;
      seen.detail = reply.error->detail;
    } else if (reply.result) {
      const pq::Result& result = *reply.result;
      for (int column = 0; column < result.columns(); ++column) {
        seen.columns.push_back({.name = std::string(result.name(column)),
                                .type_oid = result.type_oid(column),
                                .type_modifier = result.type_modifier(column)});
      }
      seen.rows = static_cast<std::size_t>(result.rows());
      seen.version = VersionIn(result);
      seen.tag = result.tag();
    }
    watch_->OnStatementEnded(seen);
  }

  void TellTransaction(bool open) {
    if (watch_ == nullptr || open == open_) return;
    open_ = open;
    watch_->OnTransaction(open);
  }

  pq::Connection& connection_;
  SessionWatch* const watch_;
  const base::Clock& clock_;
  bool open_ = false;
};

class LibpqSession final : public Session {
 public:
  LibpqSession(pq::Connection connection, FailureContext context, SessionWatch* watch,
               const base::Clock& clock)
      : connection_(std::move(connection)),
        context_(std::move(context)),
        clock_(clock),
        watched_(connection_, watch, clock) {}

  QueryResult Query(std::string_view sql, const Call& call) override {
    const auto reply = Run(std::string(sql), Verb::kSelect, call);
    return reply.result ? ToQueryResult(*reply.result) : QueryResult();
  }

  void Execute(std::string_view sql, const Call& call) override {
    Run(std::string(sql), Verb::kQuery, call);
  }

  void Begin(const Call& call) override { Run("BEGIN", Verb::kBegin, call); }

  void Commit(const Call& call) override {
    const auto reply = Run("COMMIT", Verb::kCommit, call);
    if (reply.result && reply.result->tag() == "COMMIT") return;
    throw base::Error({.code = ErrorCode::kConflict,
                       .operation = "commit",
                       .subject = Subject(),
                       .message = "the server rolled the transaction back instead of committing it",
                       .remedy = "Run again.",
                       .retryable = true});
  }

  void Rollback() noexcept override {
    if (!connection_.in_transaction()) return;
    try {
      Run("ROLLBACK", Verb::kQuery, {.deadline = base::Deadline::After(clock_, kRollbackTime)});
    } catch (...) {
      Close();  // and the server rolls back
    }
  }

  UnloadResult Unload(const base::Secret& statement, const Call& call) override {
    const auto reply = Run(statement.Reveal(), Verb::kUnload, call);
    return {.notice_rows = UnloadedRows(reply.notices)};
  }

  void Close() noexcept override {
    connection_.Close();
    watched_.End();
  }

 private:
  enum class Verb { kSelect, kQuery, kBegin, kCommit, kUnload };

  static const char* Operation(Verb verb) {
    switch (verb) {
      case Verb::kSelect:
      case Verb::kQuery: return "query";
      case Verb::kBegin: return "begin a transaction";
      case Verb::kCommit: return "commit";
      case Verb::kUnload: return "UNLOAD";
    }
    return "query";
  }

  std::string Subject() const {
    return context_.workgroup.empty() ? "host " + context_.host : "workgroup " + context_.workgroup;
  }

  // Throws what the table makes of a failure. Doubt is told of verbs that change something.
  pq::Reply Run(const std::string& sql, Verb verb, const Call& call) {
    const bool doubtful = verb == Verb::kCommit || verb == Verb::kUnload;
    pq::Reply reply;
    try {
      reply = watched_.Run(
          sql, verb == Verb::kSelect ? Watched::Protocol::kExtended : Watched::Protocol::kSimple,
          call);
    } catch (const base::Error& error) {
      base::ErrorInfo info = error.info();
      info.operation = Operation(verb);
      info.subject = Subject();
      info.in_doubt = info.in_doubt && doubtful;
      if (info.code == ErrorCode::kTimeout) info.remedy = kTooSlow;
      if (info.code == ErrorCode::kUnreachable) info.remedy = "Run again.";
      throw base::Error(std::move(info));
    }
    if (!reply.error) return reply;
    FailureContext context = context_;
    context.operation = Operation(verb);
    context.has_query = sql.find(kStreamAlias) != std::string::npos;
    NameTable(sql, reply.error->message + "\n" + reply.error->detail, context);
    base::ErrorInfo info = Classify(verb == Verb::kUnload ? Phase::kUnload : Phase::kQuery,
                                    {.sqlstate = reply.error->sqlstate,
                                     .message = reply.error->message,
                                     .detail = reply.error->detail,
                                     .hint = reply.error->hint,
                                     .notices = TextOf(reply.notices)},
                                    context);
    info.in_doubt = info.in_doubt && doubtful;
    throw base::Error(std::move(info));
  }

  pq::Connection connection_;
  const FailureContext context_;
  const base::Clock& clock_;
  Watched watched_;  // of connection_
};

pq::Parameters ParametersOf(const LoginOptions& options, const DbCredentials& credentials) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count();
  return {.values = {{"host", options.host},
                     {"port", std::to_string(options.port)},
                     {"dbname", options.database},
                     {"user", credentials.user},
                     {"sslmode", "verify-full"},
                     {"sslrootcert", options.ssl_root_cert.empty() ? base::SystemCertificates()
                                                                   : options.ssl_root_cert},
                     {"gssencmode", "disable"},  // saves a round trip
                     {"client_encoding", "UTF8"},
                     {"application_name", options.application_name},
                     {"connect_timeout", std::to_string(seconds)},
                     // Firewalls drop sockets that idle through a long UNLOAD.
                     {"keepalives", "1"},
                     {"keepalives_idle", "60"},
                     {"keepalives_interval", "30"},
                     {"keepalives_count", "5"},
                     {"tcp_user_timeout", "180000"}},
          .password = credentials.password};
}

// What the server tells at log-in need not be set: each statement is billed.
std::vector<std::string> SettingsOf(const LoginOptions& options, const pq::Connection& connection) {
  std::vector<std::string> settings = {"SET query_group TO " + Literal(options.query_group)};
  if (connection.ServerParameter("TimeZone") != "UTC") {
    settings.emplace_back("SET timezone TO 'UTC'");
  }
  if (connection.ServerParameter("DateStyle") != "ISO, MDY") {
    settings.emplace_back("SET datestyle TO 'ISO, MDY'");
  }
  if (options.statement_timeout) {
    settings.push_back("SET statement_timeout TO " +
                       std::to_string(options.statement_timeout->count()));
  }
  if (options.case_sensitive_identifiers) {
    settings.emplace_back("SET enable_case_sensitive_identifier TO true");
  }
  return settings;
}

// One log-in: what the attempts share, and what the last one came to.
class LoginAttempts {
 public:
  LoginAttempts(const LoginOptions& options, const base::Clock& clock, base::Logger& log,
                const Call& call)
      : options_(options), clock_(clock), log_(log), call_(call) {}

  std::unique_ptr<Session> Run() {
    base::Retry retry(clock_, kLoginRetry);
    for (;;) {
      pq::ConnectResult result = TryTwice();
      if (result.connection) return SessionOf(std::move(*result.connection));
      const base::Error error(Failure(result));
      const bool passes =
          error.code() == ErrorCode::kThrottled || error.code() == ErrorCode::kUnavailable;
      if (!passes || !retry.PauseBeforeNext(call_, error)) throw error;
      log_.Warning("the workgroup let nobody in, trying again",
                   {{"host", options_.host}, {"reason", error.info().message}});
    }
  }

 private:
  Call Limited() const {
    const auto attempt = base::Deadline::After(clock_, options_.connect_timeout);
    return {.deadline = call_.deadline.Sooner(attempt), .stop = call_.stop};
  }

  pq::ConnectResult TryTwice() {
    pq::ConnectResult result = Try();
    if (result.connection || !IsWorthAnother(result)) return result;
    log_.Warning("log-in failed, trying once more with a new password",
                 {{"host", options_.host}, {"reason", Failure(result).message}});
    return Try();
  }

  std::unique_ptr<Session> SessionOf(pq::Connection connection) const {
    TellParameters(connection);
    CheckIsRedshift(connection);
    SetUp(connection);
    return std::make_unique<LibpqSession>(std::move(connection), ContextOf(options_, user_),
                                          options_.watch, clock_);
  }

  // Without the user's name, which is one of them.
  void TellParameters(const pq::Connection& connection) const {
    if (options_.watch == nullptr) return;
    for (const char* name : {"server_version", "server_encoding", "client_encoding", "DateStyle",
                             "TimeZone", "IntervalStyle", "integer_datetimes", "is_superuser",
                             "standard_conforming_strings", "padb_version", "padb_revision"}) {
      if (const auto value = connection.ServerParameter(name)) {
        options_.watch->OnParameter(name, *value);
      }
    }
  }

  pq::ConnectResult Try() {
    const DbCredentials credentials = options_.mint(call_);
    user_ = credentials.user;
    limited_ = Limited();
    return pq::Connect(ParametersOf(options_, credentials), clock_, limited_);
  }

  // A sleeping workgroup may need longer than one attempt, and a password may die on the way; a
  // second refusal is final.
  bool IsWorthAnother(const pq::ConnectResult& result) const {
    if (call_.deadline.Expired(clock_)) return false;
    const std::string& text = result.failure;
    return result.timed_out || text.find("token has expired") != std::string::npos ||
           text.find("IAM authentication failed") != std::string::npos;
  }

  base::ErrorInfo Failure(const pq::ConnectResult& result) const {
    base::ErrorInfo info = Classify(Phase::kLogin, {.message = MostTelling(result.failure)},
                                    ContextOf(options_, user_));
    if (call_.deadline.Expired(clock_)) info.code = ErrorCode::kTimeout;
    return info;
  }

  pq::Reply Ask(pq::Connection& connection, const std::string& sql) const {
    try {
      return Watched(connection, options_.watch, clock_)
          .Run(sql, Watched::Protocol::kSimple, limited_);
    } catch (const base::Error& error) {
      base::ErrorInfo info = error.info();
      info.operation = "log in";
      info.subject =
          options_.workgroup.empty() ? "host " + options_.host : "workgroup " + options_.workgroup;
      info.in_doubt = false;
      throw base::Error(std::move(info));
    }
  }

  // Redshift has called itself 8.0.2 for ever. Another number costs one question, not a refusal.
  void CheckIsRedshift(pq::Connection& connection) const {
    const std::string version = connection.ServerParameter("server_version").value_or("");
    if (version.starts_with("8.")) return;
    const auto reply = Ask(connection, "SELECT version()");
    if (reply.result && reply.result->rows() == 1 &&
        reply.result->value(0, 0).value_or("").find("Redshift") != std::string_view::npos) {
      return;
    }
    auto info = Classify(Phase::kLogin, {.message = "expected authentication request"},
                         ContextOf(options_, user_));
    info.message += "; it calls itself version " + Mask(version);
    throw base::Error(std::move(info));
  }

  // All settings in one round trip; one by one if the server takes no batch, or to learn which
  // setting it refuses.
  void SetUp(pq::Connection& connection) const {
    const auto settings = SettingsOf(options_, connection);
    std::string batch;
    for (const auto& setting : settings) batch += (batch.empty() ? "" : "; ") + setting;
    if (!Ask(connection, batch).error) return;
    for (const auto& setting : settings) {
      const auto reply = Ask(connection, setting);
      if (!reply.error) continue;
      FailureContext context = ContextOf(options_, user_);
      context.operation = "set up the session";
      throw base::Error(Classify(Phase::kQuery,
                                 {.sqlstate = reply.error->sqlstate,
                                  .message = reply.error->message,
                                  .detail = reply.error->detail,
                                  .hint = reply.error->hint},
                                 context));
    }
  }

  const LoginOptions& options_;
  const base::Clock& clock_;
  base::Logger& log_;
  const Call& call_;
  Call limited_;
  std::string user_;
};

}  // namespace

std::unique_ptr<Session> Login(const LoginOptions& options, const base::Clock& clock,
                               base::Logger& log, const Call& call) {
  return LoginAttempts(options, clock, log, call).Run();
}

}  // namespace sluice::redshift
