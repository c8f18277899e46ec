// Store over SQLite. One class in several files: tenants and resources (store_resources.cc), runs
// (store_runs.cc, run_rows.h), tokens, audit and answers (store_access.cc).
#pragma once
#include <map>
#include <mutex>

#include "serve/store/connections.h"
#include "serve/store/live_keyring.h"
#include "serve/store/store.h"

namespace sluice::serve {

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& file, const Keyring& keyring, const base::Clock& clock,
              std::function<Keyring()> reread);

  void Ping() override;
  void Together(const std::function<void()>& work) override;

  Tenant AddTenant(std::string_view name, std::optional<int> parallel_runs) override;
  Tenant GetTenant(std::string_view id) override;
  std::optional<Tenant> FindTenantByName(std::string_view name) override;
  Page<Tenant> Tenants(const PageRequest& page) override;
  Tenant UpdateTenant(std::string_view id, std::string_view name, std::optional<int> parallel_runs,
                      std::optional<std::int64_t> expected) override;
  void DeleteTenant(std::string_view id) override;

  Resource Add(Resource resource) override;
  Resource Get(Kind kind, std::string_view tenant, std::string_view id, bool with_secrets) override;
  std::optional<Resource> FindByName(Kind kind, std::string_view tenant, std::string_view name,
                                     bool with_secrets) override;
  Page<Resource> List(Kind kind, std::string_view tenant, const PageRequest& page) override;
  Resource Update(const Resource& resource, std::optional<std::int64_t> expected) override;
  void Delete(Kind kind, std::string_view tenant, std::string_view id) override;
  void SetLastTest(std::string_view tenant, std::string_view source, LastTest test) override;

  Run Enqueue(const NewRun& run) override;
  std::optional<Run> EnqueueDue(const NewRun& run, std::int64_t pipeline_version, base::UtcTime due,
                                std::optional<base::UtcTime> next) override;
  std::vector<Scheduled> Schedules() override;
  void Plan(std::string_view pipeline, std::int64_t pipeline_version,
            std::optional<base::UtcTime> next) override;
  std::vector<QueuedRun> Queue() override;
  std::vector<Run> Running() override;
  bool Begin(std::string_view run, base::UtcTime at) override;
  void SetProcess(std::string_view run, Process process) override;
  bool End(std::string_view run, const RunEnd& end) override;
  std::optional<Run> EndAndRetry(std::string_view run, const RunEnd& end) override;
  bool RequestStop(std::string_view tenant, std::string_view run) override;
  Run GetRun(std::string_view tenant, std::string_view run) override;
  Page<Run> Runs(const RunFilter& filter, const PageRequest& page) override;
  std::vector<Standing> Standings(const std::optional<std::string>& tenant,
                                  RunDetail detail) override;
  std::vector<RunSums> Sums(const std::optional<std::string>& tenant, base::UtcTime since) override;
  std::vector<std::string> PruneRuns(base::UtcTime before, int limit) override;

  void AddMessage(const Message& message) override;
  std::vector<Message> DueMessages(base::UtcTime now, int limit) override;
  void PutOffMessage(std::string_view id, base::UtcTime next) override;
  void EndMessage(std::string_view id) override;
  std::vector<Resource> Alerts(std::string_view tenant) override;

  std::pair<Token, base::Secret> AddToken(std::string_view name, Scope scope,
                                          const std::optional<std::string>& tenant,
                                          std::optional<base::UtcTime> expires_at) override;
  std::optional<Token> FindToken(const base::Secret& text) override;
  Page<Token> Tokens(const std::optional<std::string>& tenant, const PageRequest& page) override;
  void DeleteToken(const std::optional<std::string>& tenant, std::string_view id) override;
  base::Secret AddSession(std::string_view token, base::UtcTime expires_at) override;
  std::optional<Token> FindSession(const base::Secret& text) override;
  void DeleteSession(const base::Secret& text) override;

  void Audit(const AuditEntry& entry) override;
  Page<AuditEntry> AuditLog(const std::optional<std::string>& tenant,
                            const PageRequest& page) override;
  void PruneAudit(base::UtcTime before) override;

  std::optional<SavedAnswer> ClaimKey(std::string_view owner, std::string_view key,
                                      std::string_view request) override;
  void SaveAnswer(std::string_view owner, std::string_view key, const SavedAnswer& answer) override;
  void ForgetKey(std::string_view owner, std::string_view key) override;
  void ForgetUnanswered() override;

 private:
  void CheckKey();
  void WriteSecrets(sqlite::Database& db, const Resource& resource);
  Secrets ReadSecrets(sqlite::Database& db, const std::string& owner, bool open) const;
  std::optional<Resource> ReadOne(sqlite::Database& db, sqlite::Statement& row,
                                  bool with_secrets) const;
  void WritePipeline(sqlite::Database& db, const Resource& pipeline);
  Run InsertRun(sqlite::Database& db, const NewRun& run);
  std::optional<Token> ReadToken(sqlite::Statement& row) const;
  void NoteUse(const Token& token);
  base::UtcTime AnswersSince() const;
  void WriteAnswer(std::string_view owner, std::string_view key, const SavedAnswer& answer);
  void DropKey(std::string_view owner, std::string_view key);
  void WriteUnwritten(std::string_view owner, std::string_view key);
  void KeepUnwritten(std::string_view owner, std::string_view key,
                     std::optional<SavedAnswer> answer);

  Connections connections_;
  mutable LiveKeyring keyring_;
  const base::Clock& clock_;
  const base::UtcTime opened_at_;
  const base::SteadyTime opened_;

  std::mutex unwritten_mu_;
  // Guarded by unwritten_mu_: of owner and key, what the database could not take. nullopt: the call
  // failed, and the key is as new.
  std::map<std::pair<std::string, std::string>, std::optional<SavedAnswer>> unwritten_;
};

}  // namespace sluice::serve
