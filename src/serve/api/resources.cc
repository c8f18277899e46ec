// Sources, destinations, pipelines and alerts: one way for all, and what is a kind's own.
#include <fmt/format.h>

#include <set>

#include "serve/api/pipeline_status.h"
#include "serve/api/routes.h"

namespace sluice::serve {
namespace {

// Where a connect token may not lead what is saved.
constexpr std::array kFixedForForm = {"workgroup", "host", "port", "database", "bucket"};

void Check(const ApiContext& context, const Call& call, const Resource& resource) {
  const Tenant tenant = context.store.GetTenant(resource.tenant);
  const OperatorRules rules = RulesOf(context, call);
  switch (resource.kind) {
    case Kind::kSource: return CheckSource(resource, tenant, rules, context.data);
    case Kind::kDestination: return CheckDestination(resource, tenant, rules, context.data);
    case Kind::kAlert: return CheckAlert(resource, rules);
    case Kind::kPipeline: {
      Store& store = context.store;
      const Resource source = store.Get(Kind::kSource, tenant.id, SourceOf(resource), true);
      const Resource destination =
          store.Get(Kind::kDestination, tenant.id, DestinationOf(resource), true);
      return CheckPipeline(resource, source, destination, tenant, rules, context.data);
    }
  }
}

std::string ActionOf(Kind kind, std::string_view what) {
  return fmt::format("{}.{}", KindName(kind), what);
}

void RequireSameEnds(const Resource& saved, const Resource& changed) {
  std::vector<FieldProblem> problems;
  const std::string_view remedy =
      "Make another pipeline: what this one has committed belongs to its source and destination.";
  if (SourceOf(saved) != SourceOf(changed)) {
    problems.push_back({"source", "cannot be changed", std::string(remedy)});
  }
  if (DestinationOf(saved) != DestinationOf(changed)) {
    problems.push_back({"destination", "cannot be changed", std::string(remedy)});
  }
  if (!problems.empty()) throw Refused("pipeline", std::move(problems));
}

Json AnswerOf(const ApiContext& context, const Resource& resource) {
  Json json = ToJson(resource);
  if (resource.kind == Kind::kPipeline) {
    json["status"] = PipelineStatus(context, resource.tenant).Of(resource.id);
  }
  return json;
}

// With its record; what changes nothing is nothing to record.
Resource Updated(const ApiContext& context, const Call& call, const Resource& changed,
                 std::optional<std::int64_t> expected) {
  Resource now;
  context.store.Together([&] {
    now = context.store.Update(changed, expected);
    if (now.version == changed.version) return;
    Note(context, call, ActionOf(now.kind, "update"), now.id, now.tenant);
  });
  return now;
}

}  // namespace

void RequireSameTarget(const Call& call, const Resource& saved, const Resource& changed) {
  if (call.token->scope != Scope::kConnect) return;
  std::vector<FieldProblem> problems;
  for (const char* field : kFixedForForm) {
    if (saved.fields.value(field, Json()) == changed.fields.value(field, Json())) continue;
    problems.push_back({field, "cannot be changed with a token for the form",
                        "Make another source, or ask whoever gave you the link."});
  }
  if (!problems.empty()) throw Refused("source", std::move(problems));
}

template <Kind kind>
Reply ListResources(const ApiContext& context, const Call& call) {
  const auto page = context.store.List(kind, call.ids[0], PageOf(call));
  Json json = ListJson(page);
  if constexpr (kind == Kind::kPipeline) {
    const PipelineStatus status(context, call.ids[0]);
    for (Json& one : json["items"]) one["status"] = status.Of(one["id"].get<std::string>());
  }
  return {.response = JsonResponse(200, json)};
}

template <Kind kind>
Reply MakeResource(const ApiContext& context, const Call& call) {
  const Json body = BodyOf(call);
  Resource resource = ReadResource(kind, body);
  resource.tenant = call.ids[0];
  Check(context, call, resource);
  Resource made;
  context.store.Together([&] {
    made = context.store.Add(resource);
    Note(context, call, ActionOf(kind, "create"), made.id, made.tenant);
  });
  if (kind == Kind::kPipeline) context.runs.Wake();
  Json json = AnswerOf(context, made);
  // A key that we made is shown this once, or nobody could check a signature.
  const Json sent = body.value("secret", Json());
  if (kind == Kind::kAlert && (sent.is_null() || sent == "")) {
    if (const auto* secret = FindSecret(resource, "secret")) json["secret"] = secret->Reveal();
  }
  return {.response = ResourceResponse(call, 201, json)};
}

template <Kind kind>
Reply GetResource(const ApiContext& context, const Call& call) {
  const Resource resource = context.store.Get(kind, call.ids[0], call.ids[1]);
  return {.response = ResourceResponse(call, 200, AnswerOf(context, resource))};
}

template <Kind kind>
Reply ChangeResource(const ApiContext& context, const Call& call) {
  const Resource saved = context.store.Get(kind, call.ids[0], call.ids[1], /*with_secrets=*/true);
  const auto expected = ExpectedVersion(call);
  const Resource changed = ReadResource(kind, BodyOf(call), &saved);
  if (kind == Kind::kSource) RequireSameTarget(call, saved, changed);
  if (kind == Kind::kPipeline) RequireSameEnds(saved, changed);
  Check(context, call, changed);
  const Resource now = Updated(context, call, changed, expected);
  if (kind == Kind::kPipeline) context.runs.Wake();
  return {.response = ResourceResponse(call, 200, AnswerOf(context, now))};
}

template <Kind kind>
Reply DeleteResource(const ApiContext& context, const Call& call) {
  context.store.Together([&] {
    context.store.Delete(kind, call.ids[0], call.ids[1]);
    Note(context, call, ActionOf(kind, "delete"), call.ids[1], call.ids[0]);
  });
  if (kind == Kind::kPipeline) context.runs.Wake();
  return {.response = NoContent()};
}

Reply ChangeSchedule(const ApiContext& context, const Call& call) {
  Resource saved = context.store.Get(Kind::kPipeline, call.ids[0], call.ids[1], true);
  const auto expected = ExpectedVersion(call);
  Json body = ToJson(saved);
  body["schedule"] = BodyOf(call);
  const Resource changed = ReadResource(Kind::kPipeline, body, &saved);
  Check(context, call, changed);
  const Resource now = Updated(context, call, changed, expected);
  context.runs.Wake();
  return {.response = ResourceResponse(call, 200, AnswerOf(context, now))};
}

template Reply ListResources<Kind::kSource>(const ApiContext&, const Call&);
template Reply ListResources<Kind::kDestination>(const ApiContext&, const Call&);
template Reply ListResources<Kind::kPipeline>(const ApiContext&, const Call&);
template Reply ListResources<Kind::kAlert>(const ApiContext&, const Call&);
template Reply MakeResource<Kind::kSource>(const ApiContext&, const Call&);
template Reply MakeResource<Kind::kDestination>(const ApiContext&, const Call&);
template Reply MakeResource<Kind::kPipeline>(const ApiContext&, const Call&);
template Reply MakeResource<Kind::kAlert>(const ApiContext&, const Call&);
template Reply GetResource<Kind::kSource>(const ApiContext&, const Call&);
template Reply GetResource<Kind::kDestination>(const ApiContext&, const Call&);
template Reply GetResource<Kind::kPipeline>(const ApiContext&, const Call&);
template Reply GetResource<Kind::kAlert>(const ApiContext&, const Call&);
template Reply ChangeResource<Kind::kSource>(const ApiContext&, const Call&);
template Reply ChangeResource<Kind::kDestination>(const ApiContext&, const Call&);
template Reply ChangeResource<Kind::kPipeline>(const ApiContext&, const Call&);
template Reply ChangeResource<Kind::kAlert>(const ApiContext&, const Call&);
template Reply DeleteResource<Kind::kSource>(const ApiContext&, const Call&);
template Reply DeleteResource<Kind::kDestination>(const ApiContext&, const Call&);
template Reply DeleteResource<Kind::kPipeline>(const ApiContext&, const Call&);
template Reply DeleteResource<Kind::kAlert>(const ApiContext&, const Call&);

}  // namespace sluice::serve
