// The JSON Schema (2020-12) of sluice.yaml, for editors and `sluice config schema`. config_test.cc
// holds it against the reader: both accept and refuse the same examples, field by field.
#pragma once
#include <string_view>

namespace sluice::config {

std::string_view JsonSchema();

}  // namespace sluice::config
