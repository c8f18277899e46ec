// Which path and method is whose, and who may call it. For serve/api alone.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api/call.h"

namespace sluice::serve {

// Beyond that, a token of a tenant reaches paths of that tenant alone.
enum class Who {
  kAnyone,     // without a token
  kSigned,     // any token
  kReads,      // admin, tenant, read
  kWrites,     // admin, tenant
  kForm,       // and connect
  kFormReads,  // and read
  kAdmin,
};
bool May(Who who, Scope scope);

struct Route {
  std::string_view method;
  std::string_view path;  // below /api/v1: "/tenants/{tenant}/sources/{source}"
  Who who;
  Reply (*answer)(const ApiContext& context, const Call& call);
  // Names in the query that it knows.
  std::vector<std::string_view> query = {};
  // Takes an Idempotency-Key.
  bool makes = false;
};

std::span<const Route> Routes();

struct Found {
  const Route* route = nullptr;  // null: the path is there, the method is not
  std::vector<std::string> ids;
  std::string methods;  // of the path: for Allow
};
// nullopt: no such path. `path` below /api/v1, with its %xx.
std::optional<Found> FindRoute(std::string_view method, std::string_view path);

// `text` with its %xx resolved; nullopt if it is none, or holds a NUL, a '/' or what is not UTF-8.
std::optional<std::string> Decoded(std::string_view text);
// nullopt: it cannot be read, or a name comes twice.
std::optional<Query> ParseQuery(std::string_view text);

// --- The functions behind them, by file.
// session.cc
Reply SignIn(const ApiContext& context, const Call& call);
Reply SignOut(const ApiContext& context, const Call& call);
Reply Me(const ApiContext& context, const Call& call);
Reply OpenApi(const ApiContext& context, const Call& call);
// tenants.cc
Reply ListTenants(const ApiContext& context, const Call& call);
Reply MakeTenant(const ApiContext& context, const Call& call);
Reply GetTenant(const ApiContext& context, const Call& call);
Reply ChangeTenant(const ApiContext& context, const Call& call);
Reply DeleteTenant(const ApiContext& context, const Call& call);
// tokens.cc
Reply ListTokens(const ApiContext& context, const Call& call);
Reply MakeToken(const ApiContext& context, const Call& call);
Reply MakeConnectToken(const ApiContext& context, const Call& call);
Reply DeleteToken(const ApiContext& context, const Call& call);
Reply ListAudit(const ApiContext& context, const Call& call);
// resources.cc
template <Kind kind>
Reply ListResources(const ApiContext& context, const Call& call);
template <Kind kind>
Reply MakeResource(const ApiContext& context, const Call& call);
template <Kind kind>
Reply GetResource(const ApiContext& context, const Call& call);
template <Kind kind>
Reply ChangeResource(const ApiContext& context, const Call& call);
template <Kind kind>
Reply DeleteResource(const ApiContext& context, const Call& call);
Reply ChangeSchedule(const ApiContext& context, const Call& call);
// Throws Refused if a connect token leads a saved source elsewhere.
void RequireSameTarget(const Call& call, const Resource& saved, const Resource& changed);
// jobs.cc
Reply TestUnsavedSource(const ApiContext& context, const Call& call);
Reply TestSource(const ApiContext& context, const Call& call);
Reply TestPipeline(const ApiContext& context, const Call& call);
Reply TestUnsavedDestination(const ApiContext& context, const Call& call);
Reply TestDestination(const ApiContext& context, const Call& call);
Reply SetupUnsavedSource(const ApiContext& context, const Call& call);
Reply SetupSource(const ApiContext& context, const Call& call);
Reply DiscoverSource(const ApiContext& context, const Call& call);
Reply PreviewStream(const ApiContext& context, const Call& call);
Reply PlanPipeline(const ApiContext& context, const Call& call);
Reply TestAlert(const ApiContext& context, const Call& call);
// runs.cc
Reply StartRun(const ApiContext& context, const Call& call);
Reply ListRuns(const ApiContext& context, const Call& call);
Reply GetRun(const ApiContext& context, const Call& call);
Reply StopRun(const ApiContext& context, const Call& call);
Reply RunEventStream(const ApiContext& context, const Call& call);
Reply GetOverview(const ApiContext& context, const Call& call);

}  // namespace sluice::serve
