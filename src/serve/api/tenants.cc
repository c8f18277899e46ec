// Tenants, as an administrator makes them and others see theirs.
#include "serve/api/routes.h"

namespace sluice::serve {
namespace {

struct TenantInput {
  std::string name;
  std::optional<int> parallel_runs;
};

TenantInput ReadTenant(const Json& body) {
  RequireFields(body, "tenant",
                {"name", "limits", "id", "version", "created_at", "updated_at", "external_id"});
  TenantInput input{.name = NameField(body, "tenant")};
  if (const auto limits = body.find("limits"); limits != body.end() && !limits->is_null()) {
    if (!limits->is_object())
      RefuseField("tenant", "limits", "is no object", "Write {\"parallel_runs\": 2}.");
    RequireFields(*limits, "tenant", {"parallel_runs"});
    if (const auto runs = NumberField(*limits, "tenant", "parallel_runs", 1, 64)) {
      input.parallel_runs = static_cast<int>(*runs);
    }
  }
  return input;
}

}  // namespace

Reply ListTenants(const ApiContext& context, const Call& call) {
  if (!call.token->tenant) {
    return {.response = JsonResponse(200, ListJson(context.store.Tenants(PageOf(call))))};
  }
  PageOf(call);  // wrong ones are told all the same
  Page<Tenant> own;
  own.items.push_back(context.store.GetTenant(*call.token->tenant));
  return {.response = JsonResponse(200, ListJson(own))};
}

Reply MakeTenant(const ApiContext& context, const Call& call) {
  const TenantInput input = ReadTenant(BodyOf(call));
  Tenant tenant;
  context.store.Together([&] {
    tenant = context.store.AddTenant(input.name, input.parallel_runs);
    Note(context, call, "tenant.create", tenant.id, tenant.id);
  });
  return {.response = ResourceResponse(call, 201, ToJson(tenant))};
}

Reply GetTenant(const ApiContext& context, const Call& call) {
  return {.response = ResourceResponse(call, 200, ToJson(context.store.GetTenant(call.ids[0])))};
}

Reply ChangeTenant(const ApiContext& context, const Call& call) {
  context.store.GetTenant(
      call.ids[0]);  // one that is not there is told before what is wrong with the body
  const auto expected = ExpectedVersion(call);
  const TenantInput input = ReadTenant(BodyOf(call));
  Tenant tenant;
  context.store.Together([&] {
    tenant = context.store.UpdateTenant(call.ids[0], input.name, input.parallel_runs, expected);
    Note(context, call, "tenant.update", tenant.id, tenant.id);
  });
  context.runs.Wake();
  return {.response = ResourceResponse(call, 200, ToJson(tenant))};
}

Reply DeleteTenant(const ApiContext& context, const Call& call) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const PageRequest first{.limit = 1, .cursor = {}};
  for (const Kind kind : {Kind::kPipeline, Kind::kSource, Kind::kDestination}) {
    if (context.store.List(kind, tenant.id, first).items.empty()) continue;
    throw base::Error(
        {.code = base::ErrorCode::kConflict,
         .operation = "delete tenant",
         .subject = "tenant " + tenant.name,
         .message = "it still has a " + std::string(KindName(kind)),
         .remedy = "Delete its pipelines, then its sources and destinations, then it.",
         .reason = std::string(kReasonInUse)});
  }
  context.store.Together([&] {
    context.store.DeleteTenant(tenant.id);
    Note(context, call, "tenant.delete", tenant.id, tenant.id);
  });
  return {.response = NoContent()};
}

}  // namespace sluice::serve
