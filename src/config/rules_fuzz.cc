// Single values of a configuration: names, ARNs, hosts, tables, durations, ${references}. Any text
// is taken or refused with a reason.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/edit.h"
#include "config/references.h"
#include "config/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr Rule kRules[] = {CheckName,   CheckWorkgroup,  CheckDatabase,    CheckHost,
                             CheckRegion, CheckBucket,     CheckRoot,        CheckRoleArn,
                             CheckKmsKey, CheckUnloadRole, CheckExternalId,  CheckSessionName,
                             CheckTagKey, CheckTagValue,   CheckAccessKeyId, CheckServer,
                             CheckUrl,    CheckTable,      CheckIdentifier};
  for (const Rule rule : kRules) rule(text);
  ParseTable(text);
  if (const auto duration = ParseDuration(text); duration && duration->count() < 0) abort();
  QuoteYaml(text);
  BareReference(text, true);
  BareReference(text, false);
  Expand(text, {.environment = [](std::string_view name) -> std::optional<std::string> {
                  if (name.size() % 2 == 0) return std::nullopt;
                  return "${" + std::string(name) + "}";
                },
                .folder = "/nonexistent"});
  return 0;
}
