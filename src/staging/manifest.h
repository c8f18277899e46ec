// The manifest that UNLOAD ... MANIFEST VERBOSE writes last, and the verdict on an UNLOAD.
// Pure. Read: entries[].url, entries[].meta.{content_length,record_count}, meta; everything else is
// ignored (https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD_command_examples.html).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/part.h"

namespace sluice::staging {

struct Manifest {
  std::vector<model::Part> parts;  // in the manifest's order, at least one
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

// Largest manifest read: 200,000 parts of a 300-character URL.
inline constexpr std::uint64_t kManifestBytesMax = 100ULL << 20;

// `reason` of the kCorrupt errors that mean: what UNLOAD had written is not there any more. Another
// UNLOAD may help.
inline constexpr std::string_view kVanished = "vanished";

// Throws kCorrupt: not JSON, a needed member missing or of another type, an entry outside
// s3://bucket/prefix, an entry twice, or entries that do not add up to meta's totals.
Manifest ParseManifest(std::string_view json, std::string_view bucket, std::string_view prefix);

enum class UnloadVerdict {
  kRows,      // parts to load
  kEmpty,     // the select had no rows: nothing was written
  kAskCount,  // neither notice nor manifest: pg_last_unload_count() must tell
};

// `notice_rows`: what the server said, if it said anything. `manifest`: nullptr if absent (404).
// Throws kCorrupt where success and total loss would look alike: rows announced but no
// manifest, or counts that differ.
UnloadVerdict JudgeUnload(std::optional<std::uint64_t> notice_rows, const Manifest* manifest);

}  // namespace sluice::staging
