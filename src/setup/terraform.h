// The whole set-up as one Terraform file. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "setup/facts.h"

namespace sluice::setup {

// HCL for the AWS provider: role (or user) with its policy and trust, bucket with public access
// blocked, its rules, the inbound rule, and the SQL as a local value. What is not known becomes a
// variable. Existing things must be imported (terraform import), or their blocks taken out.
std::string Terraform(const Facts& facts);

// A quoted HCL string; `${` and `%{` in it begin no template.
std::string HclQuote(std::string_view text);

}  // namespace sluice::setup
