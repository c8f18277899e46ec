#include "destinations/postgres/postgres_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/error.h"
#include "destinations/history_columns.h"
#include "destinations/postgres/copy_rows.h"
#include "destinations/postgres/pg_dialect.h"
#include "destinations/postgres/pg_runner.h"
#include "destinations/postgres/sql_text.h"
#include "destinations/sql/state_table.h"

namespace sluice::destinations::postgres {
namespace {

using base::ErrorCode;

std::uint64_t PlainBytes(const std::vector<columnar::CheckedPart>& parts) {
  std::uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part.footer.plain_bytes;
  return bytes;
}

using Selects = std::function<std::optional<std::string>()>;

Selects Whole(const std::vector<columnar::CheckedPart>& parts,
              const std::vector<model::Column>& columns) {
  return [select = std::optional(columnar::PartSelect(parts, columns))]() mutable {
    return std::exchange(select, std::nullopt);
  };
}

// A few rows at a time: DuckDB copies every vector that it hands out, and unfolds what stands in a
// dictionary. REQUIRES: both outlive it.
Selects Slices(const std::vector<columnar::CheckedPart>& parts,
               const std::vector<model::Column>& columns, const columnar::Width& width) {
  return [&parts, &columns, width, part = std::size_t{0},
          row = std::uint64_t{0}]() mutable -> std::optional<std::string> {
    while (part < parts.size() && row >= parts[part].footer.rows) {
      ++part;
      row = 0;
    }
    if (part == parts.size()) return std::nullopt;
    const std::uint64_t from = row;
    row += columnar::SliceRows(width, parts[part].footer.rows);
    return columnar::SliceSelect(parts[part], columns, from, row);
  };
}

}  // namespace

PostgresLoad::PostgresLoad(PostgresStore& store, model::StreamTarget wanted,
                           std::unique_ptr<guarded_load::Claims::Claim> claim, Session session,
                           const base::Call& call)
    : GuardedLoad(std::move(wanted), std::move(claim), store.clock(), store.log()),
      store_(store),
      own_(OwnTablesOf(target().stream, target().table.schema)),
      session_(std::move(session)) {
  Plan(call);  // before a row is read from anywhere
  DropLeftovers(*session_, own_, TaskFor("prepare table"), call);
}

// A session in a transaction is closed, not asked to undo: the server does that by itself.
PostgresLoad::~PostgresLoad() {
  if (session_ && !session_->open()) store_.OnLost(session_->backend());
  for (const Session& copier : copiers_) {
    if (!copier.open()) store_.OnLost(copier.backend());
  }
  if (!done_ && shared_ && (made_ || keys_made_)) store_.Leave(own_);
  if (session_) store_.Give(std::move(*session_));
}

bool PostgresLoad::Straight() const {
  if (KeepsHistory()) return false;
  return plan_.table == SchemaPlan::Table::kCreate || plan_.table == SchemaPlan::Table::kReplace;
}

Task PostgresLoad::TaskFor(std::string operation) const {
  return {std::move(operation), "table " + target().table.ToString(), target().table};
}

void PostgresLoad::Plan(const base::Call& call) {
  const Task task = TaskFor("prepare table");
  Standing standing = ReadStanding(*session_, target(), task, call);
  PgRunner runner(*session_, task, call);
  standing.table.last_columns =
      sql::ReadLastColumns(runner, TheDialect(), sql::AllStateColumns(), target().stream);
  plan_ = PlanSchema(target(), standing.table, TheDialect());
  others_.clear();
  for (const ExistingColumn& column : standing.table.columns) {
    const auto& by_server = standing.filled_by_server;
    const bool ours = std::find(plan_.lands_in.begin(), plan_.lands_in.end(), column.name) !=
                      plan_.lands_in.end();
    const bool servers =
        std::find(by_server.begin(), by_server.end(), column.name) != by_server.end();
    if (!ours && !servers) others_.push_back(column.name);
  }
}

columnar::Connection PostgresLoad::Decoder() { return store_.Decoder(); }

void PostgresLoad::BeginOnce(std::uint64_t bytes, const base::Call& call) {
  if (begun_) return;
  begun_ = true;
  const PostgresOptions& options = store_.options();
  shared_ = options.connections > 1 && bytes >= options.small_load_bytes;
  if (!shared_) session_->Begin(TaskFor("begin load"), call);
}

void PostgresLoad::MakeRowsTable(const base::Call& call) {
  if (made_) return;
  const Task task = TaskFor("prepare table");
  session_->Run(Straight() ? CreateText(own_.fresh, target().columns)
                           : CreateStageText(own_.rows, target().columns),
                task, call);
  made_ = true;
}

void PostgresLoad::MakeKeysTable(const std::vector<model::Column>& columns,
                                 const base::Call& call) {
  if (keys_made_) return;
  session_->Run(CreateStageText(own_.keys, columns), TaskFor("prepare table"), call);
  keys_made_ = true;
}

std::uint64_t PostgresLoad::Take(columnar::Connection& decoder,
                                 const std::vector<columnar::CheckedPart>& parts,
                                 const base::Call& call) {
  BeginOnce(PlainBytes(parts), call);
  MakeRowsTable(call);
  return Copy(decoder, parts, target().columns, Straight() ? own_.fresh : own_.rows, call);
}

std::uint64_t PostgresLoad::TakeKeys(columnar::Connection& decoder,
                                     const std::vector<columnar::CheckedPart>& parts,
                                     const std::vector<model::Column>& columns,
                                     const base::Call& call) {
  BeginOnce(PlainBytes(parts), call);
  MakeKeysTable(columns, call);
  return Copy(decoder, parts, columns, own_.keys, call);
}

std::uint64_t PostgresLoad::Copy(columnar::Connection& decoder,
                                 const std::vector<columnar::CheckedPart>& parts,
                                 const std::vector<model::Column>& columns,
                                 const model::TableName& into, const base::Call& call) {
  bool parts_failed = false;
  try {
    if (columnar::WidthTally::MayBeWide(parts)) store_.BeginLook();
    const columnar::Width& width = width_.Add(decoder, parts, columns, call.stop);
    const bool wide = store_.OnWidth(width, TaskFor("load").subject);
    const auto turn = wide ? std::unique_lock(store_.wide_mu()) : std::unique_lock<std::mutex>();
    const auto selects = wide ? Slices(parts, columns, width) : Whole(parts, columns);
    return CopyOverSessions(decoder, selects, wide, columns, into, call, parts_failed);
  } catch (const base::Error& error) {
    if (!parts_failed) throw;
    columnar::Connection other = store_.Decoder();
    throw columnar::ExplainFailure(other, error, parts, columns, call.stop);
  }
}

std::uint64_t PostgresLoad::CopyOverSessions(columnar::Connection& decoder, const Selects& selects,
                                             bool wide, const std::vector<model::Column>& columns,
                                             const model::TableName& into, const base::Call& call,
                                             bool& parts_failed) {
  const RowEncoder encoder(columns, "table " + target().table.ToString());
  // A table of this very transaction is written without marks that somebody must set later, and is
  // seen whole even by readers whose snapshot is older.
  const bool freeze = !shared_ && into == own_.fresh;
  const CopyInput input{.decoder = decoder,
                        .next_select = selects,
                        .copy = fmt::format("COPY {} FROM STDIN (FORMAT binary{})",
                                            QuoteTable(into), freeze ? ", FREEZE true" : ""),
                        .encoder = encoder,
                        .task = TaskFor("load")};
  std::vector<Session*> sessions;
  if (shared_) {
    while (copiers_.size() < static_cast<std::size_t>(store_.options().connections)) {
      copiers_.push_back(store_.Take(call));
      copiers_.back().Begin(input.task, call);
    }
    // Each would hold a message of wide rows.
    const std::size_t wanted = wide ? 1 : copiers_.size();
    for (std::size_t i = 0; i < wanted; ++i) sessions.push_back(&copiers_[i]);
  } else {
    sessions.push_back(&*session_);
  }
  return CopyRows(input, sessions, call, parts_failed);
}

// Nobody sees what these bring before the load's own transaction names it, so a lost answer is no
// doubt about the load.
void PostgresLoad::CommitCopies() {
  const Task task = TaskFor("load");
  for (Session& session : copiers_) {
    try {
      session.Commit(task);
    } catch (const base::Error& error) {
      throw session.Explain(error, task);
    }
  }
  for (Session& session : copiers_) store_.Give(std::move(session));
  copiers_.clear();
}

void PostgresLoad::OnCommitFailed(const base::Error& error) {
  // At once, not when this load dies: whoever asks ReadCommitted asks now.
  if (!session_->open()) store_.OnLost(std::exchange(session_, std::nullopt)->backend());
  if (error.info().reason == "locked") ExplainLock(error);
}

void PostgresLoad::BeginCommit(const base::Call& call) {
  BeginOnce(0, call);
  MakeRowsTable(call);
  if (!session_->in_transaction()) session_->Begin(TaskFor("commit"), call);
}

std::optional<Committed> PostgresLoad::LastCommit(const base::Call& call) {
  PgRunner runner(*session_, TaskFor("commit"), call);
  return sql::ReadState(runner, TheDialect(), sql::AllStateColumns(), target().stream);
}

model::Counts PostgresLoad::Bring(const base::Call& call) {
  CommitCopies();
  const model::Counts counts = BringLocked(call);
  DropStages(call);
  return counts;
}

void PostgresLoad::Seal(const Committed& row, const model::Proof& proof, const base::Call& call) {
  const Task task = TaskFor("commit");
  PgRunner runner(*session_, task, call);
  sql::WriteState(runner, TheDialect(), target(), row, proof, clock().Utc());
  // From here it is done or it is not: a stop no longer counts.
  session_->Commit(task);
  done_ = true;
  store_.OnCommitted();
}

// Locks the table that stands there against what must not happen until the commit, and plans again:
// somebody may have changed it since Begin.
void PostgresLoad::LockTarget(const base::Call& call) {
  // If one was made meanwhile, the name is taken, which ends the commit.
  if (plan_.table == SchemaPlan::Table::kCreate) return;
  const bool straight = Straight();
  const bool alters = !plan_.added.empty() || !plan_.widened.empty();
  const char* mode = "SHARE ROW EXCLUSIVE";  // readers go on
  if (target().write_mode == model::WriteMode::kAppend) mode = "ROW EXCLUSIVE";
  if (straight || alters) mode = "ACCESS EXCLUSIVE";
  session_->Run(fmt::format("LOCK TABLE {} IN {} MODE", QuoteTable(target().table), mode),
                TaskFor("commit"), call);
  Plan(call);
  if (Straight() == straight) return;
  throw base::Error(
      {.code = ErrorCode::kConflict,
       .operation = "commit",
       .subject = "table " + target().table.ToString(),
       .message =
           "the table, or something that depends on it, was created or dropped while it was loaded",
       .remedy = "Run again; nothing was changed.",
       .retryable = true});
}

PgMergeText::Tables PostgresLoad::Tables() const {
  const std::string table = QuoteTable(target().table);
  return {.table = table,
          .rows = Straight() ? table : QuoteTable(own_.rows),
          .own = own_,
          .lands_in = plan_.lands_in,
          .others = others_};
}

model::Counts PostgresLoad::BringLocked(const base::Call& call) {
  LockTarget(call);
  const Task task = TaskFor(Merges() ? "merge" : "commit");
  const bool fresh = KeepsHistory() && plan_.table == SchemaPlan::Table::kCreate;
  if (fresh) {
    session_->Run(CreateText(target().table, ColumnsThere(target())), task, call);
  } else if (Straight()) {
    Swap(*session_, own_, target().table, plan_.table == SchemaPlan::Table::kReplace, task, call);
  } else {
    AlterTable(*session_, target().table, plan_, task, call);
  }
  if (Merges()) {
    if (compares_keys()) MakeKeysTable(KeyColumns(), call);
    const PgMergeText text(target(), Tables());
    PgRunner runner(*session_, task, call);
    const sql::MergeInput input{
        .target = target(), .rows = rows(), .into_empty = Straight(), .keys = compares_keys()};
    model::Counts counts = PgMerge(runner, text, input).Run();
    // Behind the rows: then it is made in one go.
    if (fresh) runner.Change(text.AddPrimaryKey());
    return counts;
  }
  if (Straight()) return {.inserted = rows()};
  return Refill(call);
}

model::Counts PostgresLoad::Refill(const base::Call& call) {
  const Task task = TaskFor("commit");
  if (plan_.table == SchemaPlan::Table::kEmpty) {
    // Not TRUNCATE: that would leave readers with an older snapshot an empty table.
    session_->Run("DELETE FROM " + QuoteTable(target().table), task, call);
  }
  const std::uint64_t inserted =
      session_->Change(PgMergeText(target(), Tables()).InsertAll(), task, call);
  if (inserted == rows()) return {.inserted = rows()};
  throw base::Error({.code = ErrorCode::kCorrupt,
                     .operation = task.operation,
                     .subject = task.subject,
                     .message = fmt::format("{} of {} rows came into the table", inserted, rows()),
                     .remedy = "Look for a trigger or a rule on the table that leaves rows out. "
                               "Nothing was changed."});
}

void PostgresLoad::DropStages(const base::Call& call) {
  if (Straight() && !keys_made_) return;
  DropLeftovers(*session_, own_, TaskFor("commit"), call);
}

void PostgresLoad::ExplainLock(const base::Error& error) {
  session_->Rollback();
  base::ErrorInfo info = error.info();
  if (session_->open()) {
    const std::string holder = WhoHolds(*session_, target().table);
    if (!holder.empty()) info.message = fmt::format("{}: {}", info.message, holder);
  }
  throw base::Error(std::move(info));
}

}  // namespace sluice::destinations::postgres
