#include "serve/runs/alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"
#include "notify/signature.h"
#include "serve/base/ids.h"
#include "serve/runs/alert_text.h"

namespace sluice::serve {
namespace {

constexpr int kAtOnce = 8;
constexpr std::chrono::seconds kLookAgain{1};
constexpr int kSmtpPort = 587;
constexpr int kSmtpsPort = 465;

bool Wants(const Resource& alert, std::string_view event) {
  const auto on = alert.fields.find("on");
  if (on == alert.fields.end() || !on->is_array()) return false;
  if (const auto paused = alert.fields.find("paused");
      paused != alert.fields.end() && *paused == true) {
    return false;
  }
  return std::any_of(on->begin(), on->end(), [&](const Json& one) { return one == event; });
}

std::string HostOf(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.find(':')));
}

// Of a run, an alert and an event there is one: the store takes it once.
std::string MessageId(std::string_view run, std::string_view alert, std::string_view event) {
  return fmt::format("{}{}_{}_{}", kDeliveryId, run.substr(std::min(kRunId.size(), run.size())),
                     alert.substr(std::min(kAlertId.size(), alert.size())), event);
}

base::Secret SecretOf(const Resource& alert, std::string_view path) {
  const base::Secret* const secret = FindSecret(alert, path);
  return secret == nullptr ? base::Secret() : *secret;
}

// It may be a secret of the alert, or one of its plain fields.
base::Secret UrlOf(const Resource& alert) {
  base::Secret secret = SecretOf(alert, "url");
  return secret.empty() ? base::Secret(FieldText(alert, "url")) : secret;
}

// "smtps://mail.example.com:465" or "smtp://mail.example.com:587".
int PortOf(std::string_view url, int otherwise) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos || url.find(']', colon) != std::string_view::npos) {
    return otherwise;
  }
  return base::ParseNumber<int>(url.substr(colon + 1)).value_or(otherwise);
}

}  // namespace

Senders RealSenders(const std::string& ca_file) {
  const auto options = [ca_file](bool any_address) {
    return notify::DeliverOptions{.any_address = any_address, .ca_file = ca_file};
  };
  return {.post =
              [options](const notify::WebMessage& message, bool any_address, std::stop_token stop) {
                return notify::Deliver(message, options(any_address), std::move(stop));
              },
          .mail =
              [options](const notify::Mail& mail, bool any_address, std::stop_token stop) {
                return notify::Deliver(mail, options(any_address), std::move(stop));
              }};
}

std::optional<std::chrono::seconds> PauseBeforeAttempt(int attempts) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  static constexpr std::array<seconds, 7> kPauses = {seconds(5), minutes(5), minutes(30), hours(2),
                                                     hours(5),   hours(10),  hours(24)};
  const auto at = static_cast<std::size_t>(attempts) - 1;
  if (attempts < 1 || at >= kPauses.size()) return std::nullopt;
  return kPauses.at(at);
}

Alerts::Alerts(const RunsOptions& options, Store& store, Senders senders, const base::Clock& clock,
               base::Logger& log)
    : options_(options), store_(store), senders_(std::move(senders)), clock_(clock), log_(log) {}

Alerts::~Alerts() { End(); }

void Alerts::Begin() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Work(stop); });
}

void Alerts::End() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Alerts::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    int sent = 0;
    try {
      sent = SendDue(stop);
    } catch (const base::Error& error) {
      // The database is held or full: what waits there waits on.
      log_.Warning("alerts cannot be sent", {{"reason", error.info().message}});
    }
    if (sent == 0) clock_.Sleep(kLookAgain, stop);
  }
}

void Alerts::Tell(std::string_view event, const Run& run) {
  std::vector<Resource> alerts = store_.Alerts(run.tenant);
  std::erase_if(alerts, [&](const Resource& alert) { return !Wants(alert, event); });
  if (alerts.empty()) return;
  const Tenant tenant = store_.GetTenant(run.tenant);
  const Resource pipeline = store_.Get(Kind::kPipeline, run.tenant, run.pipeline);
  const base::UtcTime now = clock_.Utc();
  const Json news = NewsOf(event, run, tenant, pipeline.name, now, options_.public_url);
  for (const Resource& alert : alerts) {
    store_.AddMessage({.id = MessageId(run.id, alert.id, event),
                       .tenant = run.tenant,
                       .alert = alert.id,
                       .event = std::string(event),
                       .payload = news,
                       .attempts = 0,
                       .next_at = now,
                       .created_at = now});
  }
}

void Alerts::Ended(const Run& run, std::optional<RunState> before) {
  if (const auto event = EventOf(run.state, before)) Tell(*event, run);
}

void Alerts::Late(const Run& run) { Tell("late", run); }

int Alerts::SendDue(const std::stop_token& stop) {
  auto due = store_.DueMessages(clock_.Utc(), kAtOnce * 4);
  // One at a time for each alert: a receiver that is slow holds up none but itself, and gets what
  // happened in its order.
  std::set<std::string> seen;
  std::erase_if(due, [&](const Message& one) { return !seen.insert(one.alert).second; });
  if (due.size() > kAtOnce) due.resize(kAtOnce);
  std::atomic<int> settled = 0;
  std::vector<std::jthread> threads;
  threads.reserve(due.size());
  for (const Message& message : due) {
    threads.emplace_back([&, stop] { settled += SendOne(message, stop) ? 1 : 0; });
  }
  threads.clear();  // joins
  return settled;
}

bool Alerts::SendOne(const Message& message, const std::stop_token& stop) {
  try {
    const auto alerts = store_.Alerts(message.tenant);
    const auto alert = std::find_if(alerts.begin(), alerts.end(),
                                    [&](const Resource& one) { return one.id == message.alert; });
    if (alert == alerts.end()) {
      store_.EndMessage(message.id);
      const std::lock_guard lock(mu_);
      unsettled_.erase(message.id);
      return true;
    }
    std::optional<std::string> problem;
    {
      const std::lock_guard lock(mu_);
      if (const auto known = unsettled_.find(message.id); known != unsettled_.end()) {
        problem = known->second;
      }
    }
    if (!problem) {
      problem = Send(*alert, message.payload, message.id, stop);
      if (stop.stop_requested()) return false;
      Count(message, *problem);
      const std::lock_guard lock(mu_);
      unsettled_.insert_or_assign(message.id, *problem);
    }
    Settle(message, *problem);
    const std::lock_guard lock(mu_);
    unsettled_.erase(message.id);
    return true;
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    log_.Warning("an alert cannot be sent",
                 {{"alert", message.alert}, {"reason", error.info().message}});
    return false;
  }
}

void Alerts::Count(const Message& message, const std::string& problem) {
  if (problem.empty()) {
    ++delivered_;
    return;
  }
  const bool over = !PauseBeforeAttempt(message.attempts + 1);
  ++failed_;
  if (over) ++given_up_;
  log_.Warning(over ? "an alert was given up" : "an alert was not delivered",
               {{"alert", message.alert},
                {"attempt", std::to_string(message.attempts + 1)},
                {"reason", problem}});
}

void Alerts::Settle(const Message& message, const std::string& problem) {
  const auto pause = PauseBeforeAttempt(message.attempts + 1);
  if (!problem.empty() && pause) {
    return store_.PutOffMessage(message.id, clock_.Utc() + *pause);
  }
  store_.Together([&] {
    store_.EndMessage(message.id);
    store_.Audit({.at = clock_.Utc(),
                  .token = {},
                  .token_name = {},
                  .tenant = message.tenant,
                  .action = problem.empty() ? "alert.delivered" : "alert.given_up",
                  .subject = message.alert,
                  .address = {}});
  });
}

bool Alerts::AnyAddress(std::string_view host) const {
  return std::any_of(options_.allow_hosts.begin(), options_.allow_hosts.end(),
                     [&](const std::string& one) { return one == host; });
}

std::string Alerts::Send(const Resource& alert, const Json& news, const std::string& id,
                         const std::stop_token& stop) {
  const std::string kind = FieldText(alert, "kind");
  if (kind == "email") return SendMail(alert, news, id, stop);
  notify::WebMessage message{.url = UrlOf(alert), .headers = {}, .body = {}};
  if (kind == "slack") {
    message.body = SlackBody(news);
  } else {
    message.body = WebhookBody(news);
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.Utc());
    if (const base::Secret secret = SecretOf(alert, "secret"); !secret.empty()) {
      message.headers =
          notify::SignedHeaders(secret, id, now.time_since_epoch().count(), message.body);
    }
  }
  return senders_.post(message, AnyAddress(HostOf(message.url.Reveal())), stop);
}

std::string Alerts::SendMail(const Resource& alert, const Json& news, const std::string& id,
                             const std::stop_token& stop) {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.Utc());
  const std::string url = FieldText(alert, "smtp_url");
  const bool tls = url.starts_with("smtps:");
  notify::Mail mail{.host = HostOf(url),
                    .port = PortOf(url, tls ? kSmtpsPort : kSmtpPort),
                    .security = tls ? notify::MailSecurity::kTls : notify::MailSecurity::kStartTls,
                    .user = FieldText(alert, "smtp_user"),
                    .password = SecretOf(alert, "smtp_password"),
                    .from = FieldText(alert, "from"),
                    .to = {},
                    .subject = MailSubject(news),
                    .text = MailBody(news),
                    .id = id,
                    .date = now.time_since_epoch().count()};
  const bool any_address = AnyAddress(mail.host);
  // The operator's own, without a password: as mail servers of a machine are.
  if (any_address && mail.user.empty() && !tls) mail.security = notify::MailSecurity::kIfOffered;
  if (const auto to = alert.fields.find("to"); to != alert.fields.end() && to->is_array()) {
    for (const Json& one : *to) {
      if (one.is_string()) mail.to.push_back(one.get<std::string>());
    }
  }
  return senders_.mail(mail, any_address, stop);
}

Delivery Alerts::Test(const Resource& alert) {
  const Json news = TestNews(store_.GetTenant(alert.tenant), clock_.Utc());
  Delivery delivery{.delivered = false, .problem = {}, .attempts = 1};
  delivery.problem = Send(alert, news, NewId(kDeliveryId), {});
  delivery.delivered = delivery.problem.empty();
  return delivery;
}

Alerts::Counts Alerts::counts() const {
  return {.delivered = delivered_, .failed = failed_, .given_up = given_up_};
}

}  // namespace sluice::serve
