// Export and import: between the service's data and files that `sluice sync` reads.
#include <fmt/format.h>

#include "config/include.h"
#include "serve/base/ids.h"
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

// By name or id. nullopt: there is none of that name. Throws kNotFound for an id of none.
std::optional<Tenant> FindTenant(Store& store, const std::string& tenant) {
  auto named = store.FindTenantByName(tenant);
  if (!named && IsId(tenant, kTenantId)) named = store.GetTenant(tenant);
  return named;
}

std::vector<Imported> ReadAll(const std::vector<std::string>& files,
                              const base::Environment& environment, const Tenant& tenant,
                              const ServiceData& opened) {
  std::vector<Imported> all;
  for (const std::string& file : files) {
    all.push_back(ReadImport(file, environment, tenant, opened.rules, opened.data));
  }
  return all;
}

}  // namespace

std::vector<std::string> ExportFiles(const ServiceOptions& options,
                                     const base::Environment& environment, const base::Clock& clock,
                                     const ExchangeRequest& request) {
  const ServiceData opened = OpenData(options, environment, clock, "serve export");
  const auto found = FindTenant(*opened.store, request.tenant);
  const Tenant tenant = found ? *found : opened.store->GetTenant(request.tenant);
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
  std::optional<Tenant> tenant = FindTenant(*opened.store, request.tenant);
  // Before anything is made: a tenant, too, is there only if every file is right.
  auto all =
      ReadAll(request.files, environment, tenant.value_or(Tenant{.id = NewId(kTenantId)}), opened);
  if (!tenant) {
    tenant = opened.store->AddTenant(request.tenant, std::nullopt);
    all = ReadAll(request.files, environment, *tenant, opened);
  }
  std::vector<std::string> ids;
  for (const Imported& one : all) {
    ids.push_back(ImportInto(*opened.store, *tenant, one));
    opened.store->Audit({.at = clock.Utc(),
                         .tenant = tenant->id,
                         .action = "pipeline.import",
                         .subject = ids.back()});
  }
  return ids;
}

}  // namespace sluice::serve
