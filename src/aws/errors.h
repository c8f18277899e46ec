// What AWS says, as the one error type: one table, pure, with a test row per entry.
// Error codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the services' own
// pages.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "aws/session_keys.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/transport.h"

namespace sluice::aws {

enum class Service { kS3, kSts, kRedshiftServerless, kRedshift };

// What was asked, for the error's words.
struct Asked {
  Service service = Service::kS3;
  std::string operation;  // "GetCredentials"
  std::string subject;    // "workgroup analytics"
  std::string action;     // IAM's name: "redshift-serverless:GetCredentials"; for the remedy
  std::string resource;   // ARN or "*", where the answer names none
  std::string region;     // where it was asked
  std::string host;       // who was asked
  // What put that host in place of AWS's: "AWS_ENDPOINT_URL_S3"; empty: AWS's own.
  std::string address_from;
};

// A reply with an error status, or a 200 that carries one.
struct Failure {
  int status = 0;
  std::string code;           // "AccessDenied"; empty if the reply had no body (HEAD)
  std::string message;        // as sent; never shown before RedactKeys
  std::string bucket_region;  // x-amz-bucket-region, or <Region> of the body
  std::string request_id;
  std::optional<base::UtcTime> server_time;  // Date header
  // Not AWS's (foreign_answer.h): what it is, and where a redirect leads.
  bool foreign = false;
  std::string answer;
  std::string location;
};

// Reads either form: XML (S3, STS, redshift) or JSON 1.1 (redshift-serverless: header
// x-amzn-ErrorType or
// __type, cut at '#' and ':'). Never throws: an unreadable body leaves code and message empty.
Failure ReadFailure(Service service, const http::Response& response);

// `now` tells the clock skew; `keys` are those the request was signed with, and never appear in
// the error, whatever the message echoes.
base::Error ToError(const Failure& failure, const Asked& asked, base::UtcTime now,
                    const SessionKeys& keys);

// True if the keys were refused for their age: others may pass.
bool IsExpired(const Failure& failure);

// `text` without secrets of `keys`, and with every access key id masked.
std::string RedactKeys(std::string text, const SessionKeys& keys);

// The region a wrong-region answer names; empty if it is not one.
std::string RegionNamed(const Failure& failure);

}  // namespace sluice::aws
