// The table behind errors.h: what each answer of AWS means, and what mends it. Pure data.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "aws/errors.h"
#include "base/error.h"

namespace sluice::aws {

enum class When { kAlways, kClockIsOff, kNamesRegion };

// The first row whose every given field matches decides. Words in braces are filled in: {action},
// {resource}, {principal} (its ARN), {holder} ("role x"), {region} (named by AWS), {asked_region},
// {skew}.
struct ErrorRow {
  std::optional<Service> service;
  std::string_view code;  // exact; empty: any
  std::string_view text;  // contained in the message; empty: any
  int status = 0;         // exact; 0: any
  int status_class = 0;   // 5 for 5xx; 0: any
  When when = When::kAlways;
  base::ErrorCode error = base::ErrorCode::kSource;
  bool retryable = false;
  std::string_view seen;  // joins the message; may be empty
  std::string_view remedy;
  std::string_view reason = {};  // becomes ErrorInfo::reason
};
std::span<const ErrorRow> ErrorTable();

// One row for each TransportFailure, in its order.
struct TransportRow {
  base::ErrorCode error;
  bool retryable;
  std::string_view seen;  // {host} is filled in
  std::string_view remedy;
};
std::span<const TransportRow> TransportTable();

}  // namespace sluice::aws
