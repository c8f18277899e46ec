#include "aws/foreign_answer.h"

#include <algorithm>

#include "aws/xml.h"
#include "base/text.h"
#include "http/url.h"

namespace sluice::aws {
namespace {

constexpr std::size_t kNameMax = 60;

std::string HeaderOf(const http::Response& response, std::string_view name) {
  const std::string* value = response.Find(name);
  return value == nullptr ? std::string() : *value;
}

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

bool IsHtml(const http::Response& response) {
  const std::string start = base::Lower(Trimmed(response.body).substr(0, 200));
  return start.starts_with("<!doctype html") || start.find("<html") != std::string::npos ||
         (base::Lower(HeaderOf(response, "content-type")).starts_with("text/html") &&
          !start.empty());
}

bool IsPlainName(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_./ ").find(c) != std::string_view::npos;
         });
}

std::string OfServer(const http::Response& response) {
  const std::string server = HeaderOf(response, "server");
  return IsPlainName(server) ? " of " + server : "";
}

bool SpeaksJson(Service service) { return service == Service::kRedshiftServerless; }

}  // namespace

std::string WhatAnswered(const http::Response& response) {
  const std::string_view body = Trimmed(response.body);
  const std::string of = OfServer(response);
  if (body.empty()) return "an empty answer" + of;
  if (IsHtml(response)) return "a web page (HTML)" + of;
  if (body.front() == '{' || body.front() == '[') return "another service's JSON" + of;
  if (body.front() != '<') return "text" + of;
  const auto root = ParseXml(response.body);
  const bool named = root && IsPlainName(root->name);
  return "another service's XML" + (named ? " (<" + root->name + ">)" : std::string()) + of;
}

bool IsForeign(Service service, const http::Response& response, bool has_code) {
  const bool of_aws = has_code || response.Find("x-amz-request-id") != nullptr ||
                      response.Find("x-amzn-requestid") != nullptr ||
                      response.Find("x-amz-bucket-region") != nullptr;
  if (of_aws || response.ok()) return false;
  if (response.status / 100 == 3 || IsHtml(response)) return true;
  // HEAD replies of S3 have no body; the others always have one.
  if (response.body.empty()) return service != Service::kS3 && response.status / 100 == 4;
  const char first = Trimmed(response.body).empty() ? ' ' : Trimmed(response.body).front();
  return SpeaksJson(service) ? first != '{' || response.status / 100 != 5 : first != '<';
}

bool IsForeignReply(Service service, const http::Response& response) {
  const std::string_view body = Trimmed(response.body);
  if (body.empty()) return false;
  if (IsHtml(response)) return true;
  if (SpeaksJson(service)) return body.front() != '{';
  if (body.front() != '<') return true;
  const auto root = ParseXml(response.body);
  if (!root) return false;  // cut on the way
  if (service != Service::kS3) return !root->name.ends_with("Response");
  return !root->name.ends_with("Result") && root->name != "LocationConstraint" &&
         root->name != "Error";
}

std::string RedirectTarget(const http::Response& response) {
  const std::string location = HeaderOf(response, "location");
  const std::string_view authority = http::AuthorityOf(location);
  const bool fine =
      !authority.empty() && authority.size() <= 255 &&
      std::all_of(authority.begin(), authority.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!fine) return "";
  return location.substr(0, location.find("://") + 3) + std::string(authority);
}

}  // namespace sluice::aws
