#include "destinations/guarded_load/commit_check.h"

#include <fmt/format.h>

#include "base/error.h"

namespace sluice::destinations::guarded_load {

void RequireProof(const model::StreamTarget& target, const model::Proof& proof,
                  std::uint64_t rows) {
  if (proof.Agrees() && proof.loaded_rows == rows) return;
  throw base::Error(
      {.code = base::ErrorCode::kCorrupt,
       .operation = "commit",
       .subject = "table " + target.table.ToString(),
       .message = fmt::format("the counts disagree: manifest {}, footers {}, loaded {}, at the "
                              "destination {}; bytes {} of {}",
                              proof.manifest_rows, proof.footer_rows, proof.loaded_rows, rows,
                              proof.fetched_bytes, proof.manifest_bytes),
       .remedy = "Run again; nothing was changed."});
}

}  // namespace sluice::destinations::guarded_load
