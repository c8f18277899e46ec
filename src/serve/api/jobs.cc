// Short jobs: tests, set-up texts, discovery, preview, plan. What is wrong with what was sent is
// told before a job begins; what the job finds is its document.
#include <fmt/format.h>

#include "serve/api/routes.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;

// What other side said no, not we: 401 would tell a page that it is signed out.
int StatusOfCode(std::string_view code) {
  if (code == "invalid_config" || code == "unsupported") return 422;
  if (code == "cancelled" || code == "conflict") return 409;
  if (code == "timeout") return 504;
  if (code == "no_space") return 507;
  if (code == "internal" || code == "corrupt") return 500;
  return 502;
}

std::string_view TitleOfStatus(int status) {
  switch (status) {
    case 409: return "Conflict";
    case 422: return "Not valid";
    case 500: return "Internal error";
    case 504: return "Too slow";
    case 507: return "No space left";
    default: return "The other side failed";
  }
}

// The error of a command's document, as a problem.
Response ProblemOfDocument(const Json& document) {
  const Json& error = document.at("error");
  const int status = StatusOfCode(error.value("code", "internal"));
  Json problems = Json::array();
  for (const Json& one : document.value("problems", Json::array())) {
    problems.push_back({{"field", one.value("field", "")},
                        {"problem", one.value("problem", "")},
                        {"remedy", one.value("remedy", "")}});
  }
  Response response = JsonResponse(status, {{"type", "about:blank"},
                                            {"title", TitleOfStatus(status)},
                                            {"status", status},
                                            {"detail", error.value("message", "")},
                                            {"code", error.value("code", "internal")},
                                            {"operation", error.value("operation", "")},
                                            {"subject", error.value("subject", "")},
                                            {"remedy", error.value("remedy", "")},
                                            {"retryable", error.value("retryable", false)},
                                            {"problems", std::move(problems)}});
  response.fields = {{"Content-Type", "application/problem+json"}};
  return response;
}

using AtEnd = std::function<void(const JobResult& result)>;
using Change = std::function<void(Json& document)>;

// Runs the job and answers its document. `at_end` is called if it came to its end.
Response Answer(Runs& runs, const JobRequest& job, const AtEnd& at_end, const Change& change,
                const std::function<void(std::string_view)>& on_event, std::stop_token stop) {
  try {
    const JobResult result = runs.RunJob(job, on_event, std::move(stop));
    if (at_end) at_end(result);
    Json document = Json::parse(result.document);
    // A check that found failures has findings and is an answer; one that could not begin is not.
    const bool failed = document.contains("error") && !document["error"].is_null();
    if (failed && !document.contains("findings")) return ProblemOfDocument(document);
    if (change) change(document);
    return JsonResponse(200, document);
  } catch (...) {
    return ProblemAnswer(std::current_exception());
  }
}

bool WantsEvents(const Request& request) {
  return request.Field("Accept").value_or("").find("text/event-stream") != std::string_view::npos;
}

Reply JobReply(const ApiContext& context, JobRequest job, AtEnd at_end = nullptr,
               Change change = nullptr) {
  Runs& runs = context.runs;
  return {.response = {},
          .work = [&runs, job = std::move(job), at_end = std::move(at_end),
                   change = std::move(change)](Writer&, std::stop_token stop) {
            return Answer(
                runs, job, at_end, change, [](std::string_view) {}, std::move(stop));
          }};
}

std::string Event(std::string_view name, std::string_view data) {
  return fmt::format("event: {}\ndata: {}\n\n", name, data);
}

Reply TestReply(const ApiContext& context, const Call& call, JobRequest job, AtEnd at_end) {
  if (!WantsEvents(call.request)) return JobReply(context, std::move(job), std::move(at_end));
  Runs& runs = context.runs;
  const auto work = [&runs, job = std::move(job), at_end = std::move(at_end)](
                        Writer& writer, std::stop_token stop) -> Response {
    const auto on_event = [&writer](std::string_view line) {
      const Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!event.is_object() || event.value("event", "") != "finding") return;
      if (!writer.Write(Event("finding", line))) base::ThrowCancelled("test", "");
    };
    const Response answer = Answer(runs, job, at_end, nullptr, on_event, std::move(stop));
    writer.Write(Event(answer.status == 200 ? "end" : "problem", answer.body));
    return {};
  };
  return {
      .response = {.status = 200,
                   .fields = {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}},
                   .body = {}},
      .work = work,
      .streams = true};
}

JobRequest Job(const ApiContext& context, JobKind kind, const Parts& parts,
               const OperatorRules& rules) {
  return {.kind = kind, .tenant = parts.tenant.id, .config = Compose(parts, rules, context.data)};
}

// What is saved was judged by the rules of whoever saved it, as ComposeFrom (serve/runs/runs.h)
// knows, too.
JobRequest SavedJob(const ApiContext& context, JobKind kind, const Parts& parts) {
  OperatorRules rules = context.options.rules;
  rules.admin = true;
  return Job(context, kind, parts, rules);
}

// What is sent is tested; a secret that is left out is the saved one's, by the rules of PUT.
Resource Sent(const Call& call, Kind kind, const Json& body, const Resource* saved) {
  Resource resource = ReadResource(kind, body, saved);
  resource.tenant = call.ids[0];
  return resource;
}

Reply TestSaved(const ApiContext& context, const Call& call, Kind kind, JobKind job) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const Resource saved = context.store.Get(kind, tenant.id, call.ids[1], true);
  // With a body: what it would be after that PUT, before anybody saves it.
  const bool sent = !call.request.body.empty();
  const Resource resource = sent ? Sent(call, kind, BodyOf(call), &saved) : saved;
  if (sent && kind == Kind::kSource) RequireSameTarget(call, saved, resource);
  // In whatever order a form sends them.
  const bool same = nlohmann::json(resource.fields) == nlohmann::json(saved.fields) &&
                    resource.secrets == saved.secrets;
  const Parts parts{.tenant = tenant,
                    .source = kind == Kind::kSource ? &resource : nullptr,
                    .destination = kind == Kind::kDestination ? &resource : nullptr};
  AtEnd at_end;
  if (kind == Kind::kSource && same) {
    at_end = [&store = context.store, &clock = context.clock, tenant = tenant.id,
              id = resource.id](const JobResult& result) {
      try {
        store.SetLastTest(tenant, id, {.at = clock.Utc(), .ok = result.exit_code == 0});
      } catch (const base::Error& error) {
        // It was deleted meanwhile.
        if (error.code() != ErrorCode::kNotFound) throw;
      }
    };
  }
  Note(context, call, fmt::format("{}.test", KindName(kind)), resource.id, tenant.id);
  return TestReply(
      context, call,
      same ? SavedJob(context, job, parts) : Job(context, job, parts, RulesOf(context, call)),
      std::move(at_end));
}

Reply TestSent(const ApiContext& context, const Call& call, Kind kind, JobKind job) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const Resource resource = Sent(call, kind, BodyOf(call), nullptr);
  Note(context, call, fmt::format("{}.test", KindName(kind)), "", tenant.id);
  return TestReply(context, call,
                   Job(context, job,
                       {.tenant = tenant,
                        .source = kind == Kind::kSource ? &resource : nullptr,
                        .destination = kind == Kind::kDestination ? &resource : nullptr},
                       RulesOf(context, call)),
                   nullptr);
}

struct PipelineParts {
  Tenant tenant;
  Resource pipeline;
  Resource source;
  Resource destination;

  Parts All() const {
    return {
        .tenant = tenant, .source = &source, .destination = &destination, .pipeline = &pipeline};
  }
};

PipelineParts PartsOf(const ApiContext& context, const Call& call) {
  Store& store = context.store;
  Resource pipeline = store.Get(Kind::kPipeline, call.ids[0], call.ids[1], true);
  Resource source = store.Get(Kind::kSource, call.ids[0], SourceOf(pipeline), true);
  Resource destination = store.Get(Kind::kDestination, call.ids[0], DestinationOf(pipeline), true);
  return {store.GetTenant(call.ids[0]), std::move(pipeline), std::move(source),
          std::move(destination)};
}

// As a PUT with these streams would leave the pipeline, by the rules of whoever asks.
void TakeStreams(const ApiContext& context, const Call& call, const Json& streams,
                 PipelineParts& parts) {
  Json changed = ToJson(parts.pipeline);
  changed["streams"] = streams;
  parts.pipeline = Sent(call, Kind::kPipeline, changed, &parts.pipeline);
  CheckPipeline(parts.pipeline, parts.source, parts.destination, parts.tenant,
                RulesOf(context, call), context.data);
}

struct Stand {
  const char* field;
  const char* value;
};
// What stands for a value that is not known yet, so that the texts can be shown all the same.
constexpr Stand kStands[] = {
    {"name", "new source"},
    {"workgroup", "your-workgroup"},
    {"host", "your-workgroup.123456789012.us-east-1.redshift-serverless.amazonaws.com"},
    {"database", "dev"},
    {"bucket", "your-staging-bucket"},
    {"bucket_region", "us-east-1"},
};
constexpr Stand kRoleStand = {"role_arn", "arn:aws:iam::123456789012:role/sluice-reader"};

bool IsAbsent(const Json& body, const char* field) {
  const auto found = body.find(field);
  return found == body.end() || found->is_null() || *found == "";
}

// Fills what is missing; returns a note for each.
std::vector<std::string> FillIn(Json& body) {
  std::vector<std::string> notes;
  const auto fill = [&](const Stand& stand) {
    body[stand.field] = stand.value;
    notes.push_back(
        fmt::format("{} is not known yet: \"{}\" stands for it.", stand.field, stand.value));
  };
  for (const Stand& stand : kStands) {
    if (IsAbsent(body, stand.field)) fill(stand);
  }
  if (!IsAbsent(body, "name"))
    std::erase_if(notes, [](const auto& n) { return n.starts_with("name "); });
  const bool keys = !IsAbsent(body, "access_key_id") || !IsAbsent(body, "secret_access_key");
  if (keys) {
    if (IsAbsent(body, "access_key_id")) fill({"access_key_id", "AKIAIOSFODNN7EXAMPLE"});
    // The texts do not hold it; without one the configuration would be refused.
    if (IsAbsent(body, "secret_access_key")) body["secret_access_key"] = "not known yet";
  } else if (IsAbsent(body, "role_arn") && IsAbsent(body, "source")) {
    fill(kRoleStand);
  }
  return notes;
}

Reply SetupReply(const ApiContext& context, const Call& call, const Tenant& tenant,
                 const Resource& source, bool offline, const std::vector<std::string>& notes) {
  const Parts parts{.tenant = tenant, .source = &source};
  JobRequest job = offline ? Job(context, JobKind::kSetup, parts, RulesOf(context, call))
                           : SavedJob(context, JobKind::kSetup, parts);
  job.offline = offline;
  return JobReply(context, std::move(job), nullptr, [notes](Json& document) {
    for (const auto& note : notes) document["notes"].push_back(note);
  });
}

}  // namespace

Reply TestUnsavedSource(const ApiContext& context, const Call& call) {
  return TestSent(context, call, Kind::kSource, JobKind::kTest);
}
Reply TestUnsavedDestination(const ApiContext& context, const Call& call) {
  return TestSent(context, call, Kind::kDestination, JobKind::kTestDestination);
}
Reply TestSource(const ApiContext& context, const Call& call) {
  return TestSaved(context, call, Kind::kSource, JobKind::kTest);
}
Reply TestDestination(const ApiContext& context, const Call& call) {
  return TestSaved(context, call, Kind::kDestination, JobKind::kTestDestination);
}

Reply TestPipeline(const ApiContext& context, const Call& call) {
  const PipelineParts parts = PartsOf(context, call);
  Note(context, call, "pipeline.test", parts.pipeline.id, parts.tenant.id);
  return TestReply(context, call, SavedJob(context, JobKind::kTestPipeline, parts.All()), nullptr);
}

Reply SetupUnsavedSource(const ApiContext& context, const Call& call) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  Json body = BodyOf(call, Json::object());
  const auto notes = FillIn(body);
  return SetupReply(context, call, tenant, Sent(call, Kind::kSource, body, nullptr),
                    /*offline=*/true, notes);
}

Reply SetupSource(const ApiContext& context, const Call& call) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const Resource source = context.store.Get(Kind::kSource, tenant.id, call.ids[1], true);
  return SetupReply(context, call, tenant, source, /*offline=*/false, {});
}

Reply DiscoverSource(const ApiContext& context, const Call& call) {
  const Tenant tenant = context.store.GetTenant(call.ids[0]);
  const Resource source = context.store.Get(Kind::kSource, tenant.id, call.ids[1], true);
  Note(context, call, "source.discover", source.id, tenant.id);
  return JobReply(context,
                  SavedJob(context, JobKind::kDiscover, {.tenant = tenant, .source = &source}));
}

Reply PreviewStream(const ApiContext& context, const Call& call) {
  PipelineParts parts = PartsOf(context, call);
  const Json body = BodyOf(call);
  RequireFields(body, "preview", {"stream", "streams", "limit"});
  const auto stream = TextField(body, "preview", "stream", 1000);
  if (!stream)
    RefuseField("preview", "stream", "is missing", "Give the name of one of its streams.");
  if (body.contains("streams") && !body["streams"].is_null()) {
    TakeStreams(context, call, body["streams"], parts);
  }
  JobRequest job = SavedJob(context, JobKind::kPreview, parts.All());
  job.stream = *stream;
  job.limit = static_cast<int>(NumberField(body, "preview", "limit", 1, 100).value_or(20));
  // Rows of the tenant's are seen: that is told.
  Note(context, call, "pipeline.preview", parts.pipeline.id, parts.tenant.id);
  return JobReply(context, std::move(job));
}

Reply PlanPipeline(const ApiContext& context, const Call& call) {
  const PipelineParts parts = PartsOf(context, call);
  return JobReply(context, SavedJob(context, JobKind::kPlan, parts.All()));
}

Reply TestAlert(const ApiContext& context, const Call& call) {
  const Resource alert = context.store.Get(Kind::kAlert, call.ids[0], call.ids[1]);
  Note(context, call, "alert.test", alert.id, alert.tenant);
  Runs& runs = context.runs;
  return {.response = {}, .work = [&runs, alert](Writer&, std::stop_token) -> Response {
            try {
              const Delivery delivery = runs.TestAlert(alert.tenant, alert.id);
              if (delivery.delivered) return NoContent();
              throw StatusError(
                  502, "The other side failed",
                  {.code = ErrorCode::kUnreachable,
                   .operation = "test alert",
                   .subject = "alert " + alert.name,
                   .message = delivery.problem,
                   .remedy = "Put right where the alert is sent to, then test it again.",
                   .retryable = true});
            } catch (...) {
              return ProblemAnswer(std::current_exception());
            }
          }};
}

}  // namespace sluice::serve
