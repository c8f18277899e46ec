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
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

struct Capabilities {
  bool overwrite = false;
  bool append = false;
  bool merge = false;
  // Loads of different streams may be open at the same time.
  bool parallel_loads = false;
};

struct LoadedRows {
  std::uint64_t footer_rows = 0;  // what the parts' footers say
  std::uint64_t loaded_rows = 0;  // what the destination took
};

// One stream's load of one attempt. One thread at a time; different Loads on different threads.
// Nothing is visible to a reader before Commit; dropping it uncommitted leaves the destination as
// it was. Errors: kConflict (another process holds the destination), kNoSpace, kCorrupt (a part
// cannot be read, or its columns are not those of Begin), kPermission, kUnsupported (a schema
// change, with the remedy), kDestination, kCancelled.
class Load {
 public:
  virtual ~Load() = default;
  // Any number of times, each part once. The files are not needed after it returns.
  virtual LoadedRows Add(std::span<const model::LocalPart> parts, const base::Call& call) = 0;
  // Rows and watermark appear together or not at all. Throws with in_doubt if it cannot know
  // whether it happened: then Destination::ReadWatermark tells, by run and attempt. Called at most
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
  virtual std::optional<model::Watermark> ReadWatermark(std::string_view stream,
                                                        const base::Call& call) = 0;
  virtual std::unique_ptr<Load> Begin(const model::StreamTarget& target,
                                      const base::Call& call) = 0;
  // Proves that it can be written, changing nothing. For `check`.
  virtual void Probe(const base::Call& call) = 0;
  // Releases locks and files. Every Load must be gone. Called once.
  virtual void Close() = 0;
};

}  // namespace sluice::destinations
