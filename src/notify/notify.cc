#include "notify/notify.h"

#include <fmt/format.h>

#include "notify/command.h"

namespace sluice::notify {
namespace {

// "hooks.example.com" of "https://user:p@hooks.example.com/path": what of an address is no secret.
std::string HostOf(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto user = url.rfind('@');
  if (user != std::string_view::npos) url.remove_prefix(user + 1);
  return std::string(url);
}

std::string Post(const Options& options, std::string_view json, http::Transport& transport,
                 const base::Clock& clock) {
  const std::string host = HostOf(options.webhook.Reveal());
  http::Request request{.method = "POST",
                        .url = options.webhook.Reveal(),
                        .headers = {{"Content-Type", "application/json"}},
                        .body = std::string(json),
                        .operation = "POST to the webhook",
                        .subject = "host " + host};
  const http::Response response = transport.Send(
      std::move(request), {.deadline = base::Deadline::After(clock, options.patience), .stop = {}});
  if (response.ok()) return {};
  return fmt::format("the webhook at {} answered with status {}", host, response.status);
}

}  // namespace

std::vector<std::string> Tell(const Options& options, std::string_view json,
                              const base::Environment& environment, const base::Clock& clock,
                              const std::function<std::unique_ptr<http::Transport>()>& transport) {
  std::vector<std::string> problems;
  const auto add = [&](std::string problem) {
    if (!problem.empty()) problems.push_back(std::move(problem));
  };
  if (!options.command.empty()) {
    try {
      const auto failed = RunCommand(options.command, json, environment, options.patience, clock);
      if (!failed.empty()) add("the command " + failed);
    } catch (const base::Error& error) {
      add(fmt::format("the command cannot be started: {}", error.info().message));
    }
  }
  if (!options.webhook.empty()) {
    try {
      add(Post(options, json, *transport(), clock));
    } catch (...) {
      const base::Error error = base::AsError(std::current_exception());
      add(base::Redact(fmt::format("the webhook at {} was not reached: {}",
                                   HostOf(options.webhook.Reveal()), error.info().message),
                       options.webhook));
    }
  }
  return problems;
}

}  // namespace sluice::notify
