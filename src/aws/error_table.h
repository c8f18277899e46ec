// The table behind errors.h: what each answer of AWS means, and what fixes it. Pure data.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "aws/errors.h"
#include "base/error.h"

namespace sluice::aws {

enum class When { kAlways, kClockIsOff, kNamesRegion, kForeign };

// The first row whose every given field matches decides. Words in braces are filled in: {action},
// {resource}, {principal} (its ARN), {holder} ("role x"), {bucket}, {region} (named by AWS),
// {asked_region}, {skew}, {host}, {answer} (what a foreign one is), {location} (where it sends us).
struct ErrorRow {
  std::optional<Service> service;
  std::string_view code;  // exact, or up to its '*'; empty: any
  std::string_view text;  // contained in the message; empty: any
  int status = 0;         // exact; 0: any
  int status_class = 0;   // 5 for 5xx; 0: any
  When when = When::kAlways;
  base::ErrorCode error = base::ErrorCode::kSource;
  bool retryable = false;
  std::string_view seen;  // joins the message; may be empty
  std::string_view remedy;
  std::string_view reason = {};  // becomes ErrorInfo::reason
  // seen, remedy and reason come from denial.h.
  bool advise = false;
};
std::span<const ErrorRow> ErrorTable();
// The pieces of it that have files of their own; each row's fitness to be asked again is told by
// `retryable` alone.
std::span<const ErrorRow> PassingRows();
std::span<const ErrorRow> FormRows();

// Said in more than one of the files.
inline constexpr std::string_view kKeyRemedy =
    "Check the access key id: no character missing, still active (IAM, Users, Security "
    "credentials), and with the session "
    "token that belongs to it. Keys of China or GovCloud work only there.";
inline constexpr std::string_view kThrottleRemedy =
    "AWS asks to slow down. Run again later, or with fewer streams at a time.";
inline constexpr std::string_view kServiceRemedy =
    "The AWS service failed; run again. If it lasts: https://health.aws.amazon.com/health/status";

}  // namespace sluice::aws
