#include "serve/api/routes.h"

#include <algorithm>

namespace sluice::serve {
namespace {

const std::vector<std::string_view> kPaged = {"limit", "cursor"};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> Unescaped(std::string_view text, bool plus_is_blank) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += plus_is_blank && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0 || high * 16 + low == 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<std::vector<std::string>> Match(std::string_view pattern, std::string_view path) {
  const auto wanted = Segments(pattern);
  const auto given = Segments(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i].starts_with('{')) {
      if (wanted[i] != given[i]) return std::nullopt;
      continue;
    }
    auto id = Decoded(given[i]);
    if (!id || id->empty()) return std::nullopt;
    ids.push_back(std::move(*id));
  }
  return ids;
}

template <Kind kind>
void AddResource(std::vector<Route>& routes, std::string_view list, std::string_view one) {
  const bool form = kind == Kind::kSource;
  routes.push_back({"GET", list, Who::kReads, ListResources<kind>, kPaged});
  routes.push_back(
      {"POST", list, form ? Who::kForm : Who::kWrites, MakeResource<kind>, {}, /*makes=*/true});
  routes.push_back({"GET", one, form ? Who::kFormReads : Who::kReads, GetResource<kind>});
  routes.push_back({"PUT", one, form ? Who::kForm : Who::kWrites, ChangeResource<kind>});
  routes.push_back({"DELETE", one, Who::kWrites, DeleteResource<kind>});
}

// What is written out stands before what has a name in its place.
std::vector<Route> MakeRoutes() {
  std::vector<Route> routes = {
      {"GET", "/openapi.json", Who::kAnyone, OpenApi},
      {"POST", "/session", Who::kAnyone, SignIn},
      {"DELETE", "/session", Who::kAnyone, SignOut},
      {"GET", "/me", Who::kSigned, Me},
      {"GET", "/overview", Who::kReads, GetOverview},
      {"GET", "/tenants", Who::kReads, ListTenants, kPaged},
      {"POST", "/tenants", Who::kAdmin, MakeTenant, {}, true},
      {"GET", "/tenants/{tenant}", Who::kReads, GetTenant},
      {"PUT", "/tenants/{tenant}", Who::kAdmin, ChangeTenant},
      {"DELETE", "/tenants/{tenant}", Who::kAdmin, DeleteTenant},
      {"POST", "/tenants/{tenant}/connect-tokens", Who::kWrites, MakeConnectToken, {}, true},
      {"POST", "/tenants/{tenant}/sources/test", Who::kForm, TestUnsavedSource},
      {"POST", "/tenants/{tenant}/sources/setup", Who::kForm, SetupUnsavedSource},
      {"POST", "/tenants/{tenant}/sources/{source}/test", Who::kForm, TestSource},
      {"GET", "/tenants/{tenant}/sources/{source}/setup", Who::kFormReads, SetupSource},
      {"POST", "/tenants/{tenant}/sources/{source}/discover", Who::kWrites, DiscoverSource},
      {"POST", "/tenants/{tenant}/destinations/test", Who::kWrites, TestUnsavedDestination},
      {"POST", "/tenants/{tenant}/destinations/{destination}/test", Who::kWrites, TestDestination},
      {"PUT", "/tenants/{tenant}/pipelines/{pipeline}/schedule", Who::kWrites, ChangeSchedule},
      {"POST", "/tenants/{tenant}/pipelines/{pipeline}/test", Who::kWrites, TestPipeline},
      {"POST", "/tenants/{tenant}/pipelines/{pipeline}/preview", Who::kWrites, PreviewStream},
      {"POST", "/tenants/{tenant}/pipelines/{pipeline}/plan", Who::kWrites, PlanPipeline},
      {"POST", "/tenants/{tenant}/pipelines/{pipeline}/runs", Who::kWrites, StartRun, {}, true},
      {"GET",
       "/tenants/{tenant}/runs",
       Who::kReads,
       ListRuns,
       {"limit", "cursor", "pipeline", "state"}},
      {"GET", "/tenants/{tenant}/runs/{run}", Who::kReads, GetRun},
      {"POST", "/tenants/{tenant}/runs/{run}/stop", Who::kWrites, StopRun},
      {"GET", "/tenants/{tenant}/runs/{run}/events", Who::kReads, RunEventStream},
      {"POST", "/tenants/{tenant}/alerts/{alert}/test", Who::kWrites, TestAlert},
      {"GET", "/tokens", Who::kWrites, ListTokens, kPaged},
      {"POST", "/tokens", Who::kWrites, MakeToken, {}, true},
      {"DELETE", "/tokens/{token}", Who::kWrites, DeleteToken},
      {"GET", "/audit", Who::kWrites, ListAudit, kPaged},
  };
  AddResource<Kind::kSource>(routes, "/tenants/{tenant}/sources",
                             "/tenants/{tenant}/sources/{source}");
  AddResource<Kind::kDestination>(routes, "/tenants/{tenant}/destinations",
                                  "/tenants/{tenant}/destinations/{destination}");
  AddResource<Kind::kPipeline>(routes, "/tenants/{tenant}/pipelines",
                               "/tenants/{tenant}/pipelines/{pipeline}");
  AddResource<Kind::kAlert>(routes, "/tenants/{tenant}/alerts", "/tenants/{tenant}/alerts/{alert}");
  return routes;
}

bool IsUtf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

}  // namespace

bool May(Who who, Scope scope) {
  switch (who) {
    case Who::kAnyone:
    case Who::kSigned: return true;
    case Who::kReads: return scope != Scope::kConnect;
    case Who::kWrites: return scope == Scope::kAdmin || scope == Scope::kTenant;
    case Who::kForm: return scope != Scope::kRead;
    case Who::kFormReads: return true;
    case Who::kAdmin: return scope == Scope::kAdmin;
  }
  return false;
}

std::span<const Route> Routes() {
  static const std::vector<Route> routes = MakeRoutes();
  return routes;
}

std::optional<Found> FindRoute(std::string_view method, std::string_view path) {
  std::optional<Found> found;
  for (const Route& route : Routes()) {
    auto ids = Match(route.path, path);
    if (!ids) continue;
    if (route.method == method) return Found{&route, std::move(*ids), {}};
    if (!found) found.emplace();
    if (!found->methods.empty()) found->methods += ", ";
    found->methods += route.method;
  }
  return found;
}

std::optional<std::string> Decoded(std::string_view text) {
  auto plain = Unescaped(text, false);
  if (!plain || plain->find('/') != std::string::npos || !IsUtf8(*plain)) return std::nullopt;
  return plain;
}

std::optional<Query> ParseQuery(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    const auto equals = std::min(one.find('='), one.size());
    auto name = Unescaped(one.substr(0, equals), true);
    auto value = Unescaped(one.substr(std::min(equals + 1, one.size())), true);
    if (!name || !value || !IsUtf8(*name) || !IsUtf8(*value)) return std::nullopt;
    if (!query.emplace(std::move(*name), std::move(*value)).second) return std::nullopt;
  }
  return query;
}

}  // namespace sluice::serve
