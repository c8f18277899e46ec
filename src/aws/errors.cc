#include "aws/errors.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "aws/denial.h"
#include "aws/error_table.h"
#include "aws/foreign_answer.h"
#include "aws/json_text.h"
#include "aws/time_text.h"
#include "aws/xml.h"
#include "base/fill.h"
#include "base/text.h"
#include "http/transport_error.h"

namespace sluice::aws {
namespace {

using base::ErrorCode;

// AWS accepts a difference of 15 minutes (S3) or 5 (the others).
constexpr std::chrono::minutes kSkewMax{5};

std::optional<std::chrono::seconds> Skew(const Failure& failure, base::UtcTime now) {
  if (!failure.server_time) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(now - *failure.server_time);
}

bool ClockIsOff(const Failure& failure, base::UtcTime now) {
  const auto skew = Skew(failure, now);
  return skew && std::chrono::abs(*skew) > kSkewMax;
}

std::string DescribeSkew(const Failure& failure, base::UtcTime now) {
  const auto skew = Skew(failure, now);
  if (!skew) return "not at AWS's time";
  const auto seconds = std::chrono::abs(*skew).count();
  return fmt::format("{}:{:02}:{:02} {} AWS's", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     skew->count() < 0 ? "behind" : "ahead of");
}

// What AWS leaves out of a denial comes from what we asked.
Denial DenialOf(const Failure& failure, const Asked& asked) {
  Denial denial = ReadDenial(failure.message).value_or(Denial());
  if (denial.action.empty()) denial.action = asked.action;
  if (denial.resource.empty()) denial.resource = asked.resource.empty() ? "*" : asked.resource;
  return denial;
}

std::string BucketOfSubject(const std::string& subject) {
  for (const std::string_view start : {"bucket ", "s3://"}) {
    if (!subject.starts_with(start)) continue;
    const std::string rest = subject.substr(start.size());
    return rest.substr(0, rest.find('/'));
  }
  return "<bucket>";
}

bool FitsCode(std::string_view pattern, std::string_view code) {
  if (pattern.ends_with('*')) return code.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern.empty() || pattern == code;
}

bool Matches(const ErrorRow& row, const Failure& failure, Service service, bool clock_is_off,
             bool names_region) {
  if (row.service && *row.service != service) return false;
  if (row.when == When::kClockIsOff && !clock_is_off) return false;
  if (row.when == When::kNamesRegion && !names_region) return false;
  if (row.when == When::kForeign && !failure.foreign) return false;
  if (!FitsCode(row.code, failure.code)) return false;
  if (!row.text.empty() && failure.message.find(row.text) == std::string::npos) return false;
  if (row.status != 0 && row.status != failure.status) return false;
  return row.status_class == 0 || row.status_class == failure.status / 100;
}

// Whoever answers may echo a key anywhere, in the code too.
std::string DescribeAnswer(const Failure& failure, const SessionKeys& keys) {
  if (failure.foreign) return fmt::format("HTTP {}", failure.status);
  std::string text = failure.code.empty() ? fmt::format("AWS answered HTTP {}", failure.status)
                                          : "AWS answered " + failure.code;
  if (!failure.message.empty()) text += ": " + failure.message;
  return RedactKeys(std::move(text), keys);
}

}  // namespace

std::string RegionNamed(const Failure& failure) {
  if (!failure.bucket_region.empty()) return failure.bucket_region;
  // "The authorization header is malformed; the region 'a' is wrong; expecting 'b'"
  const std::string_view marker = "expecting '";
  const auto at = failure.message.find(marker);
  if (at == std::string::npos) return "";
  const std::string rest = failure.message.substr(at + marker.size());
  return rest.substr(0, rest.find('\''));
}

bool IsExpired(const Failure& failure) {
  return failure.code == "ExpiredToken" || failure.code == "ExpiredTokenException" ||
         failure.code == "TokenRefreshRequired";
}

std::string RedactKeys(std::string text, const SessionKeys& keys) {
  for (const base::Secret* secret : {&keys.secret_access_key, &keys.session_token}) {
    if (!secret->empty()) text = base::ReplaceAll(std::move(text), secret->Reveal(), "[secret]");
  }
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: AKIA keys of
  // users, ASIA of sessions, 16 to 128 characters in all.
  for (const std::string_view start : {"AKIA", "ASIA"}) {
    for (auto at = text.find(start); at != std::string::npos; at = text.find(start, at)) {
      auto end = at;
      while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end]))) ++end;
      if (end - at < 16) {
        at = end;
        continue;
      }
      const std::string masked = MaskKeyId(std::string_view(text).substr(at, end - at));
      text.replace(at, end - at, masked);
      at += masked.size();
    }
  }
  return text;
}

namespace {

Failure ReadOwn(Service service, const http::Response& response) {
  Failure failure{.status = response.status};
  const auto header = [&](std::string_view name) {
    const std::string* value = response.Find(name);
    return value == nullptr ? std::string() : *value;
  };
  failure.bucket_region = header("x-amz-bucket-region");
  failure.request_id = header(service == Service::kS3 ? "x-amz-request-id" : "x-amzn-RequestId");
  failure.server_time = ParseHttpDate(header("date"));
  if (service == Service::kRedshiftServerless) {
    const auto body = JsonText::Parse(response.body);
    failure.code = header("x-amzn-ErrorType");
    if (body && failure.code.empty()) failure.code = body->String("__type").value_or("");
    if (const auto hash = failure.code.find('#'); hash != std::string::npos) {
      failure.code.erase(0, hash + 1);
    }
    failure.code = failure.code.substr(0, failure.code.find(':'));
    if (body) {
      failure.message = body->String("message").value_or(body->String("Message").value_or(""));
    }
    return failure;
  }
  const auto root = ParseXml(response.body);
  if (!root) return failure;
  const XmlNode* error = root->name == "Error" ? &*root : root->Child("Error");
  if (error == nullptr) return failure;
  failure.code = error->Text("Code");
  failure.message = error->Text("Message");
  if (failure.bucket_region.empty()) failure.bucket_region = error->Text("Region");
  return failure;
}

}  // namespace

Failure ReadFailure(Service service, const http::Response& response) {
  Failure failure = ReadOwn(service, response);
  failure.foreign = IsForeign(service, response, !failure.code.empty());
  if (!failure.foreign) return failure;
  failure.answer = WhatAnswered(response);
  failure.location = RedirectTarget(response);
  // Nothing of it is AWS's, the time least of all: it would accuse our clock.
  failure.message.clear();
  failure.server_time.reset();
  return failure;
}

base::Error ToError(const Failure& failure, const Asked& asked, base::UtcTime now,
                    const SessionKeys& keys) {
  const std::string region = RegionNamed(failure);
  const bool names_region = !region.empty() && region != asked.region;
  const bool clock_is_off = ClockIsOff(failure, now);
  const auto rows = ErrorTable();
  // The last row matches everything.
  const ErrorRow& row = *std::find_if(rows.begin(), rows.end() - 1, [&](const ErrorRow& r) {
    return Matches(r, failure, asked.service, clock_is_off, names_region);
  });
  Denial denial = DenialOf(failure, asked);
  // Where AWS names the policy, that outranks what the action alone makes likely.
  const bool advised =
      row.advise || (row.error == ErrorCode::kPermission && denial.kind != PolicyKind::kUnknown &&
                     denial.kind != PolicyKind::kTrust);
  const DenialAdvice advice = advised ? AdviseOn(denial, Asker::kUs) : DenialAdvice();
  if (denial.principal.empty()) denial.principal = "the role or user that connects";
  const base::Words words = {
      {"action", denial.action},
      {"resource", denial.resource},
      {"principal", denial.principal},
      {"holder", HolderOf(denial.principal)},
      {"bucket", BucketOfSubject(asked.subject)},
      {"region", region},
      {"asked_region", asked.region},
      {"host", asked.host.empty() ? "AWS's address" : asked.host},
      {"answer", failure.answer},
      {"location", failure.location.empty() ? "another place" : failure.location},
      {"skew", DescribeSkew(failure, now)}};
  base::Words facts;
  for (const auto& [name, value] : words) facts.emplace(name, RedactKeys(value, keys));
  facts["policy"] = PolicyKindName(denial.kind);
  if (failure.server_time) {
    facts["server_time"] = fmt::format(
        "{:%Y-%m-%d %H:%M:%S} UTC", std::chrono::floor<std::chrono::seconds>(*failure.server_time));
  }
  std::string message = DescribeAnswer(failure, keys);
  const std::string seen = advised ? advice.seen : base::Fill(row.seen, words);
  if (!seen.empty()) message += "; " + RedactKeys(seen, keys);
  message += http::AskedAt(asked.host, asked.address_from);
  const std::string remedy = advised ? advice.remedy : base::Fill(row.remedy, words);
  return base::Error(
      {.code = row.error,
       .operation = asked.operation,
       .subject = asked.subject,
       .message = message,
       .remedy = RedactKeys(remedy, keys),
       .retryable = row.retryable,
       .cause = failure.request_id.empty() ? "" : RedactKeys("request " + failure.request_id, keys),
       .reason = std::string(advised ? advice.reason : row.reason),
       .facts = std::move(facts)});
}

}  // namespace sluice::aws
