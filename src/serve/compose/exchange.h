// Between the service and YAML files: `sluice serve export` and `sluice serve import`. What a file
// means to `sluice sync` it means to the service, and the other way round; what one of the two
// cannot say is refused, not dropped.
//
// Fields of the service alone stand under `x-sluice`, which the reader of configurations leaves
// out: { pipeline, source, destination: names; jitter, paused: of the schedule }.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "serve/base/resources.h"
#include "serve/compose/rules.h"
#include "serve/store/data_folder.h"
#include "serve/store/store.h"

namespace sluice::serve {

struct Exported {
  std::string file_name;  // "acme.yaml": of the connection's name
  std::string yaml;       // secrets as references: ${ACME_PASSWORD}
  std::vector<std::pair<std::string, base::Secret>> variables;  // for an env file
};
// REQUIRES: with their secrets.
Exported Export(const Resource& pipeline, const Resource& source, const Resource& destination,
                const Tenant& tenant, const OperatorRules& rules, const DataFolder& data);

struct Imported {
  Resource source;
  Resource destination;
  Resource pipeline;  // `source` and `destination` not yet set
};
// `text` stands in `file`; references and includes are resolved here, with the operator's
// environment. Throws Refused: the configuration's own problems, and what the service does not
// take.
Imported Import(std::string_view text, const std::filesystem::path& file,
                const base::Environment& environment, const Tenant& tenant,
                const OperatorRules& rules, const DataFolder& data);

// Of a whole tenant. `folder` gets a file for each pipeline and, with `with_secrets`, `.env` (mode
// 0600). Files that are there are not replaced (kConflict).
std::vector<std::string> ExportTenant(Store& store, const Tenant& tenant,
                                      const std::filesystem::path& folder, bool with_secrets,
                                      const OperatorRules& rules, const DataFolder& data);
// Sources and destinations that are there already with the same values are used; a pipeline of the
// same connection name is changed. Returns its id.
std::string ImportInto(Store& store, const Tenant& tenant, const Imported& imported);

}  // namespace sluice::serve
