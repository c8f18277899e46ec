// A source, a destination and a pipeline -> the configuration of a child process; and the rules for
// what came over the API. Pure but for what it asks of the file system about a destination's path;
// any thread.
//
// What holds for a value is judged by the reader of configurations itself (config/config.h), so
// that each problem and remedy is the same as in a file; here they get the names of the API's
// fields. Beyond that, what came over the API may not reach the server's own files, environment,
// network or identity: rules.h.
#pragma once
#include <optional>
#include <string>

#include "base/secret.h"
#include "serve/base/resources.h"
#include "serve/compose/rules.h"
#include "serve/store/data_folder.h"

namespace sluice::serve {

// Throws Refused with all that is wrong, by the API's names. REQUIRES: with its secrets; `rules`
// with the caller's `admin`.
void CheckSource(const Resource& source, const Tenant& tenant, const OperatorRules& rules,
                 const DataFolder& data);
void CheckDestination(const Resource& destination, const Tenant& tenant, const OperatorRules& rules,
                      const DataFolder& data);
// Its streams, modes, limits and schedule, together with its source and destination.
void CheckPipeline(const Resource& pipeline, const Resource& source, const Resource& destination,
                   const Tenant& tenant, const OperatorRules& rules, const DataFolder& data);
// Where it sends to.
void CheckAlert(const Resource& alert, const OperatorRules& rules);

struct Parts {
  const Tenant& tenant;
  const Resource* source = nullptr;       // nullptr: for a test of a destination alone
  const Resource* destination = nullptr;  // nullptr: for a test of a source alone
  const Resource* pipeline = nullptr;     // nullptr: a short job without streams
};

// The configuration of these, unchecked, without a work folder; `$` stands as it is. For
// exchange.h.
Json ConfigOf(const Parts& parts, const OperatorRules& rules, const DataFolder& data);

struct Composed {
  // The whole configuration, YAML: for `--config /dev/fd/N`. No reference is in
  // it: what a child reads is what stands here. All paths are absolute.
  base::Secret text;
  // Work folder: the pipeline's, or the tenant's for tests. The child's ledger lies there.
  std::filesystem::path folder;
  // Its limits.memory_mb, the operator's if the pipeline has none.
  std::int64_t memory_mb = 0;
};

// The same checks, then the text; makes the work folder and the tenant's own. Throws Refused, and
// what MakePrivateFolder throws. REQUIRES: with their secrets; `rules.admin` where they come from
// the store: whose external ID it is was judged when it was kept. A part that is absent is filled
// with one that works for the command: a DuckDB file in the tenant's test folder, a workgroup that
// is not asked.
Composed Compose(const Parts& parts, const OperatorRules& rules, const DataFolder& data);

}  // namespace sluice::serve
