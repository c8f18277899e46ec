// sluice.yaml: any bytes are a configuration or a list of problems, and no problem repeats the
// value of a field that may hold a secret.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/edit.h"
#include "config/yaml_tree.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto environment = [](std::string_view) -> std::optional<std::string> {
    return std::nullopt;
  };
  const config::Loaded loaded = config::Parse(text, "/nowhere/sluice.yaml", environment);
  if (!loaded.problems.empty()) config::ToError("/nowhere/sluice.yaml", loaded.problems);
  if (!config::ParseYaml(text).problems.empty()) return 0;
  try {
    config::EditYaml(text, {{.group = "redshift", .key = "workgroup", .value = "w"}});
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::kInvalidConfig) abort();
  }
  return 0;
}
