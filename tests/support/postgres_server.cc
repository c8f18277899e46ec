#include "tests/support/postgres_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "pq/testing/tls_identity.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBinaries = "/usr/lib/postgresql/15/bin";
constexpr const char* kVariable = "SLUICE_TEST_POSTGRES";

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

// PostgreSQL refuses root.
Account ServerAccount() {
  if (geteuid() != 0) return {geteuid(), getegid()};
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* entry = getpwnam(name)) return {entry->pw_uid, entry->pw_gid};
  }
  throw std::runtime_error("there is no user that PostgreSQL could run as");
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    close(fd);
    throw std::runtime_error("there is no free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

// Starts a program of PostgreSQL's that dies with this one.
pid_t Spawn(const std::vector<std::string>& arguments, const fs::path& log) {
  const Account account = ServerAccount();
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  if (geteuid() == 0 &&
      (setgroups(0, nullptr) != 0 || setgid(account.gid) != 0 || setuid(account.uid) != 0)) {
    _exit(126);
  }
  // After the change of user, which clears it. SIGQUIT: at once, without a checkpoint.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent || chdir("/") != 0) _exit(126);
  execv(raw[0], raw.data());
  _exit(127);
}

std::string Tail(const fs::path& log) {
  std::ifstream in(log);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  return text.substr(text.size() > 2000 ? text.size() - 2000 : 0);
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string ConnectionText(const fs::path& folder, int port, const std::string& database) {
  return fmt::format("host={} port={} user={} dbname={} connect_timeout=10", folder.string(), port,
                     PostgresServer::kSuperuser, database);
}

}  // namespace

bool PostgresServer::Installed() { return fs::exists(fs::path(kBinaries) / "postgres"); }

PostgresServer& PostgresServer::Shared() {
  static const std::unique_ptr<PostgresServer> server = [] {
    const char* parent = getenv(kVariable);
    if (parent != nullptr) return std::unique_ptr<PostgresServer>(new PostgresServer(parent));
    auto fresh = std::make_unique<PostgresServer>();
    setenv(kVariable, fmt::format("{} {}", fresh->port_, fresh->folder_.string()).c_str(), 1);
    return fresh;
  }();
  return *server;
}

PostgresServer::PostgresServer(const std::string& from_parent)
    : folder_(from_parent.substr(from_parent.find(' ') + 1)), port_(std::stoi(from_parent)) {}

PostgresServer::PostgresServer() : port_(FreePort()) {
  // Not below TMPDIR, which may be a long path: a socket's is at most 107 bytes.
  std::string name = "/tmp/sluice-pg-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  folder_ = name;
  Prepare();
  Start();
  Run("postgres", fmt::format("CREATE ROLE {} LOGIN SUPERUSER PASSWORD '{}'; CREATE ROLE {} LOGIN",
                              kPasswordRole, "pa+ss/w''o rd=", kUnwelcomeRole));
}

PostgresServer::~PostgresServer() {
  if (pid_ < 0) return;
  Stop(SIGQUIT);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PostgresServer::Prepare() {
  const Account account = ServerAccount();
  const fs::path data = folder_ / "data";
  if (chown(folder_.c_str(), account.uid, account.gid) != 0) {
    throw std::runtime_error("chown failed");
  }
  chmod(folder_.c_str(), 0755);
  const pid_t pid =
      Spawn({std::string(kBinaries) + "/initdb", "-D", data.string(), "-U", kSuperuser, "-E",
             "UTF8", "--locale=C.UTF-8", "-A", "trust", "--no-sync", "--no-instructions"},
            folder_ / "initdb.log");
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + Tail(folder_ / "initdb.log"));
  // Nothing here outlives the machine, so nothing need reach its disk.
  std::ofstream(data / "postgresql.conf", std::ios::app)
      << "listen_addresses = '127.0.0.1'\nfsync = off\nfull_page_writes = off\n"
         "max_connections = 60\nshared_buffers = 64MB\nautovacuum = off\n"
         "ssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n"
         "log_min_messages = fatal\nlog_min_error_statement = panic\n";
  std::ofstream(data / "pg_hba.conf")
      << "local all all trust\n"
      << "host all " << kUnwelcomeRole << " 127.0.0.1/32 reject\n"
      << "host all " << kPasswordRole << " 127.0.0.1/32 scram-sha-256\n"
      << "host all all 127.0.0.1/32 trust\n";
  const pq::testing::TlsIdentity identity("DNS:localhost");
  identity.WriteCertificate(folder_ / "root.crt");
  identity.WriteCertificate(data / "server.crt");
  const std::string key = (data / "server.key").string();
  FILE* file = fopen(key.c_str(), "w");
  PEM_write_PrivateKey(file, identity.key(), nullptr, nullptr, 0, nullptr, nullptr);
  fclose(file);
  chmod(key.c_str(), 0600);
  for (const char* owned : {"server.crt", "server.key", "pg_hba.conf"}) {
    if (chown((data / owned).c_str(), account.uid, account.gid) != 0) {
      throw std::runtime_error("chown failed");
    }
  }
}

void PostgresServer::Start() {
  const fs::path log = folder_ / "postgres.log";
  pid_ = Spawn({std::string(kBinaries) + "/postgres", "-D", (folder_ / "data").string(), "-k",
                folder_.string(), "-p", std::to_string(port_)},
               log);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (PQping(ConnectionText(folder_, port_, "postgres").c_str()) != PQPING_OK) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_ || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("PostgreSQL did not start: " + Tail(log));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void PostgresServer::Stop(int signal) {
  kill(pid_, signal);
  waitpid(pid_, nullptr, 0);
}

void PostgresServer::Crash() {
  Stop(SIGQUIT);
  Start();
}

void PostgresServer::SetTls(bool on) {
  Run("postgres", fmt::format("ALTER SYSTEM SET ssl = {}", on ? "on" : "off"));
  Run("postgres", "SELECT pg_reload_conf()");
  while (Run("postgres", "SHOW ssl")[0][0] != (on ? "on" : "off")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void PostgresServer::MakeDatabase(const std::string& name) {
  if (!Run("postgres", fmt::format("SELECT 1 FROM pg_database WHERE datname = '{}'", name))
           .empty()) {
    return;
  }
  Run("postgres", fmt::format("CREATE DATABASE \"{}\" TEMPLATE template0", name));
}

void PostgresServer::DropDatabase(const std::string& name) {
  Run("postgres", fmt::format("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", name));
}

PostgresServer::Rows PostgresServer::Run(const std::string& database,
                                         const std::string& sql) const {
  const Connection connection(PQconnectdb(ConnectionText(folder_, port_, database).c_str()),
                              &PQfinish);
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      auto& cell = rows[static_cast<std::size_t>(row)].emplace_back();
      if (PQgetisnull(result.get(), row, column) == 0) cell = PQgetvalue(result.get(), row, column);
    }
  }
  return rows;
}

}  // namespace sluice::test
