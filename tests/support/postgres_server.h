// A real PostgreSQL, Debian's, for the tests of one program: in a temporary folder of its own, on a
// Unix socket there and on a loopback port that the system chose. Ends with the program, however
// that ends. A death test's child finds its parent's by an environment variable.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

class PostgresServer {
 public:
  // Starts it at the first call; takes a second or two.
  static PostgresServer& Shared();
  // Whether the server's programs are installed.
  static bool Installed();

  // Each with a server of its own, where Shared is too little.
  PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // The folder of the Unix socket; and of "root.crt", which signed the certificate of "localhost".
  const std::filesystem::path& folder() const { return folder_; }
  int port() const { return port_; }
  // Who may do everything.
  static constexpr const char* kSuperuser = "postgres";
  // A role that must give kPassword on the loopback port; one that pg_hba.conf does not let in.
  static constexpr const char* kPasswordRole = "with_password";
  static constexpr const char* kPassword = "pa+ss/w'o rd=";
  static constexpr const char* kUnwelcomeRole = "unwelcome";

  // Does nothing if it exists.
  void MakeDatabase(const std::string& name);
  void DropDatabase(const std::string& name);
  // Runs statements as the superuser; the last one's rows. Throws std::runtime_error.
  using Rows = std::vector<std::vector<std::optional<std::string>>>;
  Rows Run(const std::string& database, const std::string& sql) const;
  // Ends at once, as a crash does, and comes up again.
  void Crash();
  void SetTls(bool on);

 private:
  explicit PostgresServer(const std::string& from_parent);
  void Prepare();
  void Start();
  void Stop(int signal);

  std::filesystem::path folder_;
  int port_ = 0;
  int pid_ = -1;  // of the postmaster; -1: it is the parent's
};

}  // namespace sluice::test
