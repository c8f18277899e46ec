// What every load does in the same order, whatever the destination: its claim on stream and table,
// which calls are allowed when, the check of every part, "this attempt was committed already", the
// proof of the counts, rows before watermark before commit, the notes about columns. A destination
// supplies the steps; it cannot leave one out or change their order.
//
//   Add:     CheckOpen, decimals by the first part (OnColumnsKnown), CheckParts, Take
//   AddKeys: CheckOpen, REQUIRES merge, decimals, CheckParts, TakeKeys
//   Commit:  CheckOpen, BeginCommit, LastCommit: the same attempt? then Undo and its counts;
//            the counts agree, Bring, Seal, notes, AfterCommit
//
// After a step has thrown, and after Commit, the load takes no more calls (kInternal).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "columnar/database.h"
#include "columnar/footer.h"
#include "columnar/part_select.h"
#include "destinations/destination.h"
#include "destinations/guarded_load/claims.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations::guarded_load {

// One thread at a time, as any Load.
class GuardedLoad : public Load {
 public:
  GuardedLoad(const GuardedLoad&) = delete;
  GuardedLoad& operator=(const GuardedLoad&) = delete;

  // As destination.h says. Besides: kTimeout if the deadline has passed, kCancelled if a stop was
  // asked for, kInternal for a call that is not allowed any more: then nothing was done.
  LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) final;
  LoadedRows AddStaged(std::span<const model::Part> parts, const base::Call& call) final;
  LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) final;
  model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                       const base::Call& call) final;

 protected:
  // The claim dies after the members of the destination's own load: while its transaction lives,
  // nobody else may begin on this table. REQUIRES: `clock` and `log` outlive it.
  GuardedLoad(model::StreamTarget target, std::unique_ptr<Claims::Claim> claim,
              const base::Clock& clock, base::Logger& log);

  // The steps. Each may throw what destination.h allows; the load is over then.

  // By which parts are read, apart from the load's own transaction.
  virtual columnar::Connection Decoder() = 0;
  // A part told the sizes of decimals that the source did not: target() has them now.
  virtual void OnColumnsKnown(const base::Call& /*call*/) {}
  // The rows of the parts, whose columns are target()'s; how many came. `decoder` is Decoder()'s.
  virtual std::uint64_t Take(columnar::Connection& decoder,
                             const std::vector<columnar::CheckedPart>& parts,
                             const base::Call& call) = 0;
  // Parts where they lie. By default as Load::AddStaged.
  virtual LoadedRows TakeStaged(std::span<const model::Part> parts, const base::Call& call);
  // Keys, in parts of these columns; how many came. By default kInternal.
  virtual std::uint64_t TakeKeys(columnar::Connection& decoder,
                                 const std::vector<columnar::CheckedPart>& parts,
                                 const std::vector<model::Column>& columns, const base::Call& call);

  // Nobody else can commit this stream from here to Seal, or Seal finds out.
  virtual void BeginCommit(const base::Call& call) = 0;
  // Who committed the stream, or its table, last; nullopt: nobody.
  virtual std::optional<Committed> LastCommit(const base::Call& call) = 0;
  // This attempt is committed already: what came now must not be there twice.
  virtual void Undo() noexcept {}
  // Brings the rows into the table, seen by nobody yet; counts what that changes.
  virtual model::Counts Bring(const base::Call& call) = 0;
  // Rows and `row` appear together, or this throws; with in_doubt if it cannot know.
  virtual void Seal(const Committed& row, const model::Proof& proof, const base::Call& call) = 0;
  // What a person should know of the columns, of SchemaPlan. Told once it is committed.
  virtual const std::vector<std::string>& Notes() const = 0;
  // The rows are there whatever happens now. Throws nothing.
  virtual void AfterCommit(const base::Call& /*call*/) noexcept {}
  // A step of Commit has thrown `error`. May throw it in better words.
  virtual void OnCommitFailed(const base::Error& /*error*/) {}

  // Its decimals of unknown size are told by the first part.
  const model::StreamTarget& target() const { return target_; }
  std::uint64_t rows() const { return rows_; }  // that came so far
  bool compares_keys() const { return keys_; }  // AddKeys was called
  bool Merges() const { return model::MeetsByKey(target_.write_mode); }
  bool KeepsHistory() const { return target_.write_mode == model::WriteMode::kHistory; }
  std::vector<model::Column> KeyColumns() const;
  const base::Clock& clock() const { return clock_; }
  base::Logger& log() const { return log_; }
  // "table sales.orders", for errors.
  std::string Subject() const { return "table " + target_.table.ToString(); }
  // Calls OnColumnsKnown if the footer tells something new.
  void LearnColumns(const columnar::Footer& footer, const base::Call& call);

 private:
  void CheckOpen(const base::Call& call) const;
  model::Counts CommitChecked(const model::Watermark& watermark, const model::Proof& proof,
                              const base::Call& call);
  void LogNotes() const;

  model::StreamTarget target_;
  const std::unique_ptr<Claims::Claim> claim_;
  const base::Clock& clock_;
  base::Logger& log_;
  std::uint64_t rows_ = 0;
  bool keys_ = false;
  bool over_ = false;  // failed or committed: takes no more calls
};

}  // namespace sluice::destinations::guarded_load
