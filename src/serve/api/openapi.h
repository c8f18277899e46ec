// The document of the API, as the program carries and serves it. Any thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::serve {

extern const std::string_view kOpenApiYaml;

// The same as JSON, anchors resolved. Made at each call.
std::string OpenApiJson();

}  // namespace sluice::serve
