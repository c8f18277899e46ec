// Which field of a configuration each field of the API is, and back. Pure; any thread.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "serve/base/resources.h"

namespace sluice::serve {

struct ConfigField {
  std::string_view api;     // "advanced.kms_key"
  std::string_view config;  // "staging.kms_key"
};
// Whole groups are one: "advanced.aws" is "aws".
std::span<const ConfigField> ConfigFieldsOf(Kind kind);

// The problem of a configuration by the API's name of the field. What belongs to another kind of
// resource gets that one's name: "source: host".
FieldProblem ToApi(Kind kind, const config::Problem& problem);

// What is told of an alert beyond where it sends to.
void AddAlert(const Resource& alert, std::vector<FieldProblem>& problems);

}  // namespace sluice::serve
