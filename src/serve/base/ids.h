// Names of what the service keeps: "src_" and 12 characters nobody can guess. Pure but for the
// random bits; any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::serve {

inline constexpr std::string_view kTenantId = "ten_";
inline constexpr std::string_view kSourceId = "src_";
inline constexpr std::string_view kDestinationId = "dst_";
inline constexpr std::string_view kPipelineId = "pip_";
inline constexpr std::string_view kRunId = "run_";
inline constexpr std::string_view kTokenId = "tok_";
inline constexpr std::string_view kAlertId = "alr_";
inline constexpr std::string_view kDeliveryId = "dlv_";

// `prefix` and 12 characters of a-z and 2-7 (base32), from the operating system.
std::string NewId(std::string_view prefix);

// `text` has that form. What is not so is nobody's id: it is not looked for, and never becomes part
// of a path.
bool IsId(std::string_view text, std::string_view prefix);

}  // namespace sluice::serve
