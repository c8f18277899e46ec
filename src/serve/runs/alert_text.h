// What is told of a run, as each kind of alert has it. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "serve/base/resources.h"
#include "serve/base/runs.h"

namespace sluice::serve {

// "failed", "partly": a run ended so. "recovered": one succeeded behind one that did not. "late": a
// run that the schedule asked for has waited for kLateAfter. "test": somebody wants to see one.
inline constexpr std::chrono::minutes kLateAfter{5};

// What is to be told of a run that ended in `state`, after one that ended in `before` (nullopt:
// none did). A run that was stopped is nobody's alarm.
std::optional<std::string_view> EventOf(RunState state, std::optional<RunState> before);

// The fields that all kinds are made of, and `data` of a webhook's message:
// {event, at, tenant, tenant_name, pipeline, pipeline_name, run, state, trigger, queued_at,
//  started_at, ended_at, rows, error: {code, operation, subject, message, remedy, ...}|null, url}.
Json NewsOf(std::string_view event, const Run& run, const Tenant& tenant,
            const std::string& pipeline_name, base::UtcTime at, const std::string& public_url);
Json TestNews(const Tenant& tenant, base::UtcTime at);

// {"type": "run.failed", "timestamp": ..., "data": news}: the payload that the Standard Webhooks
// convention proposes.
std::string WebhookBody(const Json& news);
// {"text": ...}: what Slack, Mattermost and others take.
std::string SlackBody(const Json& news);
std::string MailSubject(const Json& news);
std::string MailBody(const Json& news);

}  // namespace sluice::serve
