#include "report/recorder.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "redshift/server_text.h"

namespace sluice::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kTextMax = 2000;
constexpr std::size_t kEntriesMax = 5000;  // of each kind: a check has some hundred

double Milliseconds(std::chrono::nanoseconds duration) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::microseconds>(duration).count()) /
         1000;
}

// A code of an error, as protocols write it; empty if it is something else.
std::string Plain(std::string_view code) {
  constexpr std::size_t kCodeMax = 64;
  const bool plain = std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  return plain && code.size() <= kCodeMax ? std::string(code) : "";
}

std::string_view Between(std::string_view text, std::string_view begin, std::string_view end) {
  const auto at = text.find(begin);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + begin.size());
  const auto stop = text.find(end);
  return stop == std::string_view::npos ? std::string_view() : text.substr(0, stop);
}

// "AccessDenied": of an XML document, or of JSON ("com.amazonaws#AccessDeniedException").
std::string ErrorCode(const http::Response& response) {
  if (response.ok()) return {};
  std::string_view code = Between(response.body, "<Code>", "</Code>");
  if (code.empty()) code = Between(response.body, "\"__type\":\"", "\"");
  if (const auto hash = code.rfind('#'); hash != std::string_view::npos) {
    code.remove_prefix(hash + 1);
  }
  return Plain(code);
}

std::string ErrorText(const http::Response& response) {
  if (response.ok()) return {};
  std::string_view text = Between(response.body, "<Message>", "</Message>");
  if (text.empty()) text = Between(response.body, "\"message\":\"", "\"");
  if (text.empty()) text = Between(response.body, "\"Message\":\"", "\"");
  return std::string(text.substr(0, kTextMax));
}

// Not by the host: it may be anybody's.
std::string_view ServiceOf(std::string_view operation) {
  struct Row {
    std::string_view operation;
    std::string_view service;
  };
  constexpr std::array kRows = {
      Row{"AssumeRole", "sts"},
      Row{"AssumeRoleWithWebIdentity", "sts"},
      Row{"GetCallerIdentity", "sts"},
      Row{"GetFederationToken", "sts"},
      Row{"GetCredentials", "redshift-serverless"},
      Row{"GetWorkgroup", "redshift-serverless"},
      Row{"GetNamespace", "redshift-serverless"},
      Row{"GetClusterCredentials", "redshift"},
  };
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [&](const Row& one) { return one.operation == operation; });
  if (row != kRows.end()) return row->service;
  constexpr std::array<std::string_view, 4> kOfS3 = {"Object", "Bucket", "Upload", "Part"};
  const bool s3 = std::any_of(kOfS3.begin(), kOfS3.end(), [&](std::string_view word) {
    return operation.find(word) != std::string_view::npos;
  });
  return s3 ? "s3" : "";
}

// Names of parameters, not their values.
Json Parameters(std::string_view url) {
  Json names = Json::array();
  auto at = url.find('?');
  while (at != std::string_view::npos) {
    const auto next = url.find('&', at + 1);
    const std::string_view one = url.substr(at + 1, next - at - 1);
    names.push_back(Plain(one.substr(0, one.find('='))));
    at = next;
  }
  return names;
}

Json TextOrNull(std::string text) { return text.empty() ? Json(nullptr) : Json(std::move(text)); }

Json RequestId(const http::Response& response) {
  for (const char* name : {"x-amz-request-id", "x-amzn-requestid"}) {
    if (const auto* id = response.Find(name)) return TextOrNull(Plain(*id));
  }
  return nullptr;
}

}  // namespace

double Recorder::MillisecondsSinceBegan(base::UtcTime time) const {
  return Milliseconds(time - began_);
}

Json Recorder::Failure(const redshift::StatementSeen& seen) const {
  const std::string text = std::string(seen.message) + "\n" + std::string(seen.detail);
  const auto block = redshift::ParseBlock(text);
  const auto s3 = redshift::ParseS3Failure(text);
  Json json = {{"sqlstate", Plain(seen.sqlstate)},
               {"message", MessageShape(seen.message.substr(0, kTextMax), names_)},
               {"detail", MessageShape(seen.detail.substr(0, kTextMax), names_)},
               {"code", TextOrNull(Plain(block.code))},
               {"location", TextOrNull(MessageShape(block.location, Names::kHidden))}};
  if (s3) {
    json["s3"] = {
        {"status", s3->status}, {"error", Plain(s3->error)}, {"request_id", Plain(s3->request_id)}};
  }
  return json;
}

void Recorder::OnStatementEnded(const redshift::StatementSeen& seen) {
  const bool own = !IsOfCatalogAlone(seen.sql) && names_ == Names::kHidden;
  Json columns = Json::array();
  for (const auto& column : seen.columns) {
    Json one = {{"type_oid", column.type_oid}, {"type_modifier", column.type_modifier}};
    if (!own) one["name"] = column.name;
    columns.push_back(std::move(one));
  }
  Json json = {
      {"at_ms", MillisecondsSinceBegan(seen.began)},
      {"ms", Milliseconds(seen.duration)},
      {"statement", StatementShape(seen.sql, names_)},
      {"tag", MessageShape(seen.tag, Names::kHidden)},
      {"columns", std::move(columns)},
      {"rows", seen.rows},
      {"notices", MessageShape(std::string_view(seen.notices).substr(0, kTextMax), names_)},
      {"error", seen.sqlstate.empty() ? Json(nullptr) : Failure(seen)}};
  const std::lock_guard lock(mu_);
  if (!seen.version.empty()) server_["version"] = seen.version;
  if (statements_.size() < kEntriesMax) statements_.push_back(std::move(json));
}

void Recorder::OnParameter(std::string_view name, std::string_view value) {
  const std::lock_guard lock(mu_);
  server_[std::string(name)] = std::string(value);
}

void Recorder::OnExchange(const http::Exchange& exchange) {
  Json headers = Json::array();
  for (const auto& header : exchange.response.headers) headers.push_back(Plain(header.name));
  Json failure = nullptr;
  if (exchange.error) {
    try {
      std::rethrow_exception(exchange.error);
    } catch (const base::Error& error) {
      failure = {{"code", base::ErrorCodeName(error.code())}, {"reason", error.info().reason}};
    } catch (...) {
      failure = {{"code", "internal"}, {"reason", ""}};
    }
  }
  Json json = {{"at_ms", MillisecondsSinceBegan(exchange.began)},
               {"ms", Milliseconds(exchange.duration)},
               {"service", ServiceOf(exchange.operation)},
               {"operation", exchange.operation},
               {"method", exchange.method},
               {"parameters", Parameters(exchange.url)},
               {"status", exchange.response.status},
               {"error_code", TextOrNull(ErrorCode(exchange.response))},
               {"error_message", TextOrNull(MessageShape(ErrorText(exchange.response), names_))},
               {"request_id", RequestId(exchange.response)},
               {"headers", std::move(headers)},
               {"bytes_sent", exchange.bytes_sent},
               {"bytes_received", exchange.bytes_received},
               {"failure", std::move(failure)}};
  const std::lock_guard lock(mu_);
  if (calls_.size() < kEntriesMax) calls_.push_back(std::move(json));
}

Json Recorder::Written() const {
  const std::lock_guard lock(mu_);
  return {{"server", server_}, {"statements", statements_}, {"calls", calls_}};
}

}  // namespace sluice::report
