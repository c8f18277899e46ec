// Runs: started, stopped, listed, and told live.
#include <fmt/format.h>

#include "base/text.h"
#include "serve/api/routes.h"
#include "serve/base/ids.h"

namespace sluice::serve {
namespace {

// A reader that stays longer comes again with Last-Event-ID, and shows its token again.
constexpr std::chrono::hours kStreamLife{1};
constexpr int kPollsUntilTokenIsAsked = 20;

Json RunJson(const Run& run, bool with_streams) {
  Json json = ToJson(run);
  if (!with_streams) {
    json["streams"] = nullptr;
  } else if (json["streams"].is_null()) {
    json["streams"] = Json::array();
  }
  return json;
}

std::string Event(std::string_view name, const Json& data) {
  return fmt::format("event: {}\ndata: {}\n\n", name, JsonResponse(200, data).body);
}

// The name of an event of docs/CLI_JSON.md; its line stays as the child wrote it.
std::string EventName(const std::string& json) {
  const Json event = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  return event.is_object() ? event.value("event", "message") : "message";
}

class EventReader {
 public:
  EventReader(const ApiContext& context, const Call& call, std::uint64_t after)
      : store_(context.store),
        runs_(context.runs),
        clock_(context.clock),
        credential_(call.credential),
        by_cookie_(call.by_cookie),
        tenant_(call.ids[0]),
        run_(call.ids[1]),
        after_(after),
        until_(context.clock.Steady() + kStreamLife) {}

  Piece Next() noexcept {
    try {
      return Read();
    } catch (...) {
      // The run is gone with its pipeline, or the store is: the reader asks again and is told why.
      return {.text = {}, .over = true};
    }
  }

 private:
  Piece Read() {
    if (clock_.Steady() >= until_ || !StillAllowed()) return {.text = {}, .over = true};
    Piece piece;
    const Run run = store_.GetRun(tenant_, run_);
    const Json state = RunJson(run, false);
    const std::string shown = fmt::format("{} {}", ToText(run.state), run.stop_requested);
    const RunEvents events = runs_.Events(tenant_, run_, after_);
    if (shown != shown_ && !HasEnded(run.state)) piece.text += Event("state", state);
    shown_ = shown;
    for (const RunEvent& event : events.events) {
      piece.text += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.id, EventName(event.json),
                                event.json);
      after_ = event.id;
    }
    // `over` is of the moment of the events: the run that `end` tells is read behind it.
    if (events.over && events.events.empty()) {
      piece.text += Event("end", RunJson(store_.GetRun(tenant_, run_), true));
      piece.over = true;
    }
    return piece;
  }

  // A token that was revoked or has expired reads no further.
  bool StillAllowed() {
    if (++polls_ % kPollsUntilTokenIsAsked != 0) return true;
    return (by_cookie_ ? store_.FindSession(credential_) : store_.FindToken(credential_))
        .has_value();
  }

  Store& store_;
  Runs& runs_;
  const base::Clock& clock_;
  const base::Secret credential_;
  const bool by_cookie_;
  const std::string tenant_;
  const std::string run_;
  std::uint64_t after_;
  const base::SteadyTime until_;
  std::string shown_;
  int polls_ = 0;
};

}  // namespace

Reply StartRun(const ApiContext& context, const Call& call) {
  context.store.Get(Kind::kPipeline, call.ids[0], call.ids[1]);
  const Json body = BodyOf(call, Json::object());
  RequireFields(body, "run", {"full", "streams", "allow_deletes"});
  const RunRequest request{
      .tenant = call.ids[0],
      .pipeline = call.ids[1],
      .streams = TextsField(body, "run", "streams"),
      .full = BoolField(body, "run", "full").value_or(false),
      .allow_deletes = BoolField(body, "run", "allow_deletes").value_or(false)};
  std::string id;
  context.store.Together([&] {
    id = context.runs.Start(request);
    Note(context, call, "run.start", id, call.ids[0]);
  });
  context.runs.Wake();  // now it is there to be seen
  return {.response = JsonResponse(202, RunJson(context.store.GetRun(call.ids[0], id), true))};
}

Reply ListRuns(const ApiContext& context, const Call& call) {
  RunFilter filter{.tenant = call.ids[0]};
  if (const auto pipeline = call.query.find("pipeline"); pipeline != call.query.end()) {
    context.store.Get(Kind::kPipeline, call.ids[0], pipeline->second);
    filter.pipeline = pipeline->second;
  }
  if (const auto state = call.query.find("state"); state != call.query.end()) {
    filter.state = ParseRunState(state->second);
    if (!filter.state) {
      RefuseField("run", "state", "is no state of a run",
                  "Write queued, running, succeeded, partly, failed or stopped.");
    }
  }
  const auto page = context.store.Runs(filter, PageOf(call));
  Json json = ListJson(page);
  for (Json& run : json["items"]) run["streams"] = nullptr;
  return {.response = JsonResponse(200, json)};
}

Reply GetRun(const ApiContext& context, const Call& call) {
  return {.response =
              JsonResponse(200, RunJson(context.store.GetRun(call.ids[0], call.ids[1]), true))};
}

Reply StopRun(const ApiContext& context, const Call& call) {
  const Run run = context.store.GetRun(call.ids[0], call.ids[1]);
  if (HasEnded(run.state)) {
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = "stop run",
                       .subject = "run " + run.id,
                       .message = "it has ended already",
                       .remedy = "Nothing is to be done."});
  }
  context.runs.Stop(call.ids[0], call.ids[1]);
  Note(context, call, "run.stop", run.id, run.tenant);
  return {.response =
              JsonResponse(202, RunJson(context.store.GetRun(call.ids[0], call.ids[1]), true))};
}

Reply RunEventStream(const ApiContext& context, const Call& call) {
  context.store.GetRun(call.ids[0], call.ids[1]);
  const auto last = call.request.Field("Last-Event-ID");
  const auto after = last ? base::ParseNumber<std::uint64_t>(*last) : std::nullopt;
  auto reader = std::make_shared<EventReader>(context, call, after.value_or(0));
  return {
      .response = {.status = 200,
                   .fields = {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}},
                   .body = {}},
      .poll = [reader] { return reader->Next(); }};
}

Reply GetOverview(const ApiContext& context, const Call& call) {
  return {.response = {.status = 200,
                       .fields = {{"Content-Type", "application/json"}},
                       .body = context.runs.Overview(call.token->tenant)}};
}

}  // namespace sluice::serve
