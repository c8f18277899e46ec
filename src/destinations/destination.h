// Where tables land. Every destination passes the suite of testing/conformance.h.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/landing.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

struct Capabilities {
  bool overwrite = false;
  bool append = false;
  bool merge = false;
  bool history = false;
  // Loads of different streams may be open at the same time.
  bool parallel_loads = false;
  // Parts may be taken where they lie, in the staging bucket (Destination::TakesStaged).
  bool takes_staged = false;
};

struct LoadedRows {
  std::uint64_t footer_rows = 0;  // what the parts' footers say
  std::uint64_t loaded_rows = 0;  // what the destination took
  std::uint64_t bytes = 0;        // AddStaged alone: of the parts, as they lie at the destination
};

struct Committed {
  model::Watermark watermark;
  model::Counts counts;
};

// One stream's load of one attempt. One thread at a time; different Loads on different threads.
// Nothing is visible to a reader before Commit; dropping it uncommitted leaves the destination as
// it was. Errors: kConflict (another process holds the destination), kNoSpace, kCorrupt (a part
// cannot be read, or its columns are not those of Begin), kPermission, kUnsupported (a schema
// change, with the remedy), kDestination, kCancelled. Of Commit: kConflict for duplicate keys, in
// what came or in the table, and for more deletes than DeletePolicy allows; kUnsupported for a key
// without a value: each with the numbers.
class Load {
 public:
  virtual ~Load() = default;
  // Any number of times, each part once. The files are not needed after it returns.
  virtual LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) = 0;
  // The same of parts that nobody fetched: the destination takes them from the staging bucket by
  // itself and looks at their footers. REQUIRES: TakesStaged said so of this load's target.
  virtual LoadedRows AddStaged(std::span<const model::Part> parts, const base::Call& call);
  // Keys that the source still has: parts whose columns are those of `primary_key`, in its order.
  // After the first call every key of the source must be added before Commit, which then removes
  // rows with other keys; a row that came by Add proves its own key. REQUIRES: merge.
  virtual LoadedRows AddKeys(std::span<const model::LocalPart> parts, const base::Call& call) = 0;
  // Rows and watermark appear together or not at all. Throws with in_doubt if it cannot know
  // whether it happened: then Destination::ReadCommitted tells, by run and attempt. Called at most
  // once; not after a failed Add.
  virtual model::Counts Commit(const model::Watermark& watermark, const model::Proof& proof,
                               const base::Call& call) = 0;
};

// Thread-safe.
class Destination {
 public:
  virtual ~Destination() = default;
  virtual Capabilities Describe() const = 0;
  // "DuckDB file acme.duckdb": for people.
  virtual std::string Name() const = 0;
  // The stream's last commit; nullopt if there is none.
  virtual std::optional<Committed> ReadCommitted(std::string_view stream,
                                                 const base::Call& call) = 0;
  // Whether a load of `target` would take its parts by AddStaged, as no byte of them needs to
  // change. Asked before UNLOAD, so that nothing is fetched that is not needed.
  virtual bool TakesStaged(const model::StreamTarget& target, const base::Call& call);
  // Forgets the stream's last commit, not its rows: the next sync reads everything.
  virtual void Forget(std::string_view stream, const base::Call& call) = 0;
  // Throws kUnsupported for a target that can be no table here: its schema is ours or the engine's
  // own, or its name is taken by something else than a table, which is somebody's and stays (a
  // view, a sequence, ...).
  virtual std::unique_ptr<Load> Begin(const model::StreamTarget& target,
                                      const base::Call& call) = 0;
  // Throws what Begin of this target would throw now, and kPermission for a right that its load
  // would miss later; makes and changes nothing. Returns what the load would make of the table. For
  // `check` and plans: asked of every stream before anything is billed. Any number of times, beside
  // open loads too, but not of the stream or table of one.
  virtual model::Landing Examine(const model::StreamTarget& target, const base::Call& call) = 0;
  // Proves that it can be written, changing nothing. For `check`.
  virtual void Probe(const base::Call& call) = 0;
  // Releases locks and files. Every Load must be gone. Called once.
  virtual void Close() = 0;
};

}  // namespace sluice::destinations
