// Parts and the numbers that must agree. Plain values; any thread.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::model {

// A file that the manifest lists.
struct Part {
  std::string key;  // object key in the staging bucket
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;  // as the manifest says
};

// A part whose bytes are on local disk, complete.
struct LocalPart {
  Part part;
  std::filesystem::path file;
};

// Row counts of one attempt at each joint. All that are present must be equal, and part bytes too;
// else nothing is committed.
struct Proof {
  std::optional<std::uint64_t> notice_rows;  // server: "UNLOAD completed, n record(s)"
  std::uint64_t manifest_rows = 0;           // manifest: sum of its entries
  std::uint64_t footer_rows = 0;             // Parquet footers of the parts fetched
  std::uint64_t loaded_rows = 0;             // rows the destination says it took
  std::uint64_t parts = 0;
  std::uint64_t manifest_bytes = 0;
  std::uint64_t fetched_bytes = 0;

  bool Agrees() const {
    return (!notice_rows || *notice_rows == manifest_rows) && manifest_rows == footer_rows &&
           footer_rows == loaded_rows && manifest_bytes == fetched_bytes;
  }
};

// What a commit changed at the destination.
struct Counts {
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;    // history: a new version follows the one that was current
  std::uint64_t unchanged = 0;  // read again, the same as before: not written
  std::uint64_t deleted = 0;    // gone from the destination; history: the current version ended
  std::uint64_t skipped = 0;    // came and left no trace: see the next two
  // Of `skipped`: another row of the same key won. The rest had been deleted before they came, or
  // are older than the version that is current.
  std::uint64_t duplicates = 0;
  // Of `deleted`: no row came to say so; their keys were absent.
  std::uint64_t deleted_absent = 0;

  // Every row that came is accounted for.
  bool AddUpTo(std::uint64_t rows) const {
    return inserted + updated + unchanged + skipped + (deleted - deleted_absent) == rows;
  }
  friend bool operator==(const Counts&, const Counts&) = default;
};

}  // namespace sluice::model
