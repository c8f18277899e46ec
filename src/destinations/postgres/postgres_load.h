// One stream's load into PostgreSQL.
// Rows go into a table of the load's own: one that takes the target's name in Commit (a table that
// is made or replaced), or a stage from which Commit brings them (all else). Where the first parts
// are small, that table is made inside the load's one transaction, and a dropped load leaves
// nothing; otherwise it is made before, so that several sessions can copy into it, each in a
// transaction of its own that ends in Commit: a reader whose snapshot was taken meanwhile must not
// find half of the rows in the table later.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "columnar/part_select.h"
#include "destinations/guarded_load/guarded_load.h"
#include "destinations/postgres/pg_merge.h"
#include "destinations/postgres/postgres_store.h"
#include "destinations/postgres/target_table.h"

namespace sluice::destinations::postgres {

class PostgresLoad final : public guarded_load::GuardedLoad {
 public:
  // Throws what PlanSchema and ReadStanding throw. REQUIRES: `store` outlives it.
  PostgresLoad(PostgresStore& store, model::StreamTarget wanted,
               std::unique_ptr<guarded_load::Claims::Claim> claim, Session session,
               const base::Call& call);
  PostgresLoad(const PostgresLoad&) = delete;
  PostgresLoad& operator=(const PostgresLoad&) = delete;
  ~PostgresLoad() override;

 private:
  columnar::Connection Decoder() override;
  void OnColumnsKnown(const base::Call& call) override { Plan(call); }
  std::uint64_t Take(columnar::Connection& decoder, const std::vector<columnar::CheckedPart>& parts,
                     const base::Call& call) override;
  std::uint64_t TakeKeys(columnar::Connection& decoder,
                         const std::vector<columnar::CheckedPart>& parts,
                         const std::vector<model::Column>& columns,
                         const base::Call& call) override;
  void BeginCommit(const base::Call& call) override;
  std::optional<Committed> LastCommit(const base::Call& call) override;
  void Undo() noexcept override { session_->Rollback(); }
  model::Counts Bring(const base::Call& call) override;
  void Seal(const Committed& row, const model::Proof& proof, const base::Call& call) override;
  const std::vector<std::string>& Notes() const override { return plan_.notes; }
  void OnCommitFailed(const base::Error& error) override;

  // The rows' own table becomes the target.
  bool Straight() const;
  Task TaskFor(std::string operation) const;
  void Plan(const base::Call& call);
  // Decides once whether this load is one transaction from here on.
  void BeginOnce(std::uint64_t bytes, const base::Call& call);
  void MakeRowsTable(const base::Call& call);
  void MakeKeysTable(const std::vector<model::Column>& columns, const base::Call& call);
  std::uint64_t Copy(columnar::Connection& decoder, const std::vector<columnar::CheckedPart>& parts,
                     const std::vector<model::Column>& columns, const model::TableName& into,
                     const base::Call& call);
  using Selects = std::function<std::optional<std::string>()>;
  std::uint64_t CopyOverSessions(columnar::Connection& decoder, const Selects& selects, bool wide,
                                 const std::vector<model::Column>& columns,
                                 const model::TableName& into, const base::Call& call,
                                 bool& parts_failed);

  void CommitCopies();
  void LockTarget(const base::Call& call);
  model::Counts BringLocked(const base::Call& call);
  PgMergeText::Tables Tables() const;
  model::Counts Refill(const base::Call& call);
  void DropStages(const base::Call& call);
  [[noreturn]] void ExplainLock(const base::Error& error);

  PostgresStore& store_;
  const OwnTables own_;
  std::optional<Session> session_;
  std::vector<Session> copiers_;  // if `shared_`
  SchemaPlan plan_;
  std::vector<std::string> others_;  // columns there that the stream does not have
  columnar::WidthTally width_;
  bool begun_ = false;   // BeginOnce was called
  bool shared_ = false;  // the load's tables are there for other sessions, too
  bool made_ = false;    // the table of the rows is
  bool keys_made_ = false;
  bool done_ = false;  // nothing of it is left at the server but what was committed
};

}  // namespace sluice::destinations::postgres
