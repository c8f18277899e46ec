#include "serve/runs/alert_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace sluice::serve {
namespace {

std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string Headline(const Json& news) {
  const std::string event = Text(news, "event");
  if (event == "test") return fmt::format("Test message for {}", Text(news, "tenant_name"));
  const std::string what =
      fmt::format("{} of {}", Text(news, "pipeline_name"), Text(news, "tenant_name"));
  if (event == "failed") return "Failed: " + what;
  if (event == "partly") return "Some streams failed: " + what;
  if (event == "recovered") return "Works again: " + what;
  return "Late: " + what;
}

// Lines behind the headline.
std::string Details(const Json& news) {
  const std::string event = Text(news, "event");
  std::string text;
  if (event == "test") return "If you read this, alerts arrive here.\n";
  if (event == "late") {
    text += fmt::format("It was due at {} and has not begun.\n", Text(news, "queued_at"));
  }
  if (const auto error = news.find("error"); error != news.end() && error->is_object()) {
    text += fmt::format("{}: {}\n", Text(*error, "subject"), Text(*error, "message"));
    if (const auto remedy = Text(*error, "remedy"); !remedy.empty()) text += remedy + "\n";
  }
  if (event == "recovered") text += "The run succeeded.\n";
  if (const auto url = Text(news, "url"); !url.empty()) text += url + "\n";
  return text;
}

Json NullIfEmpty(const std::string& text) { return text.empty() ? Json() : Json(text); }

// https://api.slack.com/reference/surfaces/formatting#escaping
std::string ForSlack(std::string text) {
  text = base::ReplaceAll(std::move(text), "&", "&amp;");
  text = base::ReplaceAll(std::move(text), "<", "&lt;");
  return base::ReplaceAll(std::move(text), ">", "&gt;");
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string_view> EventOf(RunState state, std::optional<RunState> before) {
  if (state == RunState::kFailed) return "failed";
  if (state == RunState::kPartly) return "partly";
  const bool was_bad = before == RunState::kFailed || before == RunState::kPartly;
  if (state == RunState::kSucceeded && was_bad) return "recovered";
  return std::nullopt;
}

Json NewsOf(std::string_view event, const Run& run, const Tenant& tenant,
            const std::string& pipeline_name, base::UtcTime at, const std::string& public_url) {
  Json news;
  news["event"] = event;
  news["at"] = TimeText(at);
  news["tenant"] = tenant.id;
  news["tenant_name"] = tenant.name;
  news["pipeline"] = run.pipeline;
  news["pipeline_name"] = pipeline_name;
  news["run"] = run.id;
  news["state"] = ToText(run.state);
  news["trigger"] = ToText(run.trigger);
  news["queued_at"] = TimeText(run.queued_at);
  news["started_at"] = TimeJson(run.started_at);
  news["ended_at"] = TimeJson(run.ended_at);
  news["rows"] = run.rows ? Json(*run.rows) : Json();
  news["error"] = run.error.is_object() ? run.error : Json();
  news["url"] = NullIfEmpty(public_url.empty() ? "" : public_url + "/#/runs/" + run.id);
  return news;
}

Json TestNews(const Tenant& tenant, base::UtcTime at) {
  Json news;
  news["event"] = "test";
  news["at"] = TimeText(at);
  news["tenant"] = tenant.id;
  news["tenant_name"] = tenant.name;
  return news;
}

std::string WebhookBody(const Json& news) {
  Json body;
  const std::string event = Text(news, "event");
  body["type"] = event == "test" ? "alert.test" : "run." + event;
  body["timestamp"] = Text(news, "at");
  body["data"] = news;
  return Dump(body);
}

std::string SlackBody(const Json& news) {
  Json body;
  body["text"] = "*" + ForSlack(Headline(news)) + "*\n" + ForSlack(Details(news));
  return Dump(body);
}

std::string MailSubject(const Json& news) { return "[Sluice] " + Headline(news); }

std::string MailBody(const Json& news) { return Headline(news) + "\n\n" + Details(news); }

}  // namespace sluice::serve
