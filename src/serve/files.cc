// Export and import: between the service's data and files that `sluice sync` reads.
#include <fmt/format.h>

#include "config/include.h"
#include "serve/compose/exchange.h"
#include "serve/service.h"
#include "serve/service_data.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

std::string ReadFile(const std::filesystem::path& file) {
  auto read = config::ReadTextFile(file, "Name a file that is there.");
  if (const auto* problem = std::get_if<config::Problem>(&read)) {
    throw base::Error({.code = ErrorCode::kInvalidConfig,
                       .operation = "serve import",
                       .subject = file.string(),
                       .message = fmt::format("it {}", problem->problem),
                       .remedy = problem->remedy});
  }
  return std::get<config::ReadText>(std::move(read)).text;
}

// A file's own problems, by its name.
Imported ReadImport(const std::filesystem::path& file, const base::Environment& environment,
                    const Tenant& tenant, const OperatorRules& rules, const DataFolder& data) {
  try {
    return Import(ReadFile(file), file, environment, tenant, rules, data);
  } catch (const Refused& refused) {
    std::string message;
    std::string remedy;
    for (const FieldProblem& one : refused.problems()) {
      message += fmt::format("{}{} {}", message.empty() ? "" : "; ", one.field, one.problem);
      remedy += fmt::format("{}{}", remedy.empty() ? "" : "\n", one.remedy);
    }
    throw base::Error({.code = ErrorCode::kInvalidConfig,
                       .operation = "serve import",
                       .subject = file.string(),
                       .message = std::move(message),
                       .remedy = std::move(remedy)});
  }
}

}  // namespace

std::vector<std::string> ExportFiles(const ServiceOptions& options,
                                     const base::Environment& environment, const base::Clock& clock,
                                     const ExchangeRequest& request) {
  const ServiceData opened = OpenData(options, environment, clock, "serve export");
  const auto named = opened.store->FindTenantByName(request.tenant);
  const Tenant tenant = named ? *named : opened.store->GetTenant(request.tenant);
  auto names = ExportTenant(*opened.store, tenant, request.folder, request.with_secrets,
                            opened.rules, opened.data);
  opened.store->Audit({.at = clock.Utc(),
                       .tenant = tenant.id,
                       .action = request.with_secrets ? "tenant.export_secrets" : "tenant.export",
                       .subject = tenant.id});
  return names;
}

std::vector<std::string> ImportFiles(const ServiceOptions& options,
                                     const base::Environment& environment, const base::Clock& clock,
                                     const ExchangeRequest& request) {
  const ServiceData opened = OpenData(options, environment, clock, "serve import");
  const auto named = opened.store->FindTenantByName(request.tenant);
  const Tenant tenant = named ? *named : opened.store->AddTenant(request.tenant, std::nullopt);
  std::vector<Imported> all;
  for (const std::string& file : request.files) {
    all.push_back(ReadImport(file, environment, tenant, opened.rules, opened.data));
  }
  std::vector<std::string> ids;
  for (const Imported& one : all) {
    ids.push_back(ImportInto(*opened.store, tenant, one));
    opened.store->Audit({.at = clock.Utc(),
                         .tenant = tenant.id,
                         .action = "pipeline.import",
                         .subject = ids.back()});
  }
  return ids;
}

}  // namespace sluice::serve
