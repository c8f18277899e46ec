#include "sync/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "redshift/catalog.h"
#include "redshift/select.h"

namespace sluice::sync {
namespace {

std::string Folded(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

[[noreturn]] void Unsupported(const model::Stream& stream, std::string message,
                              std::string remedy) {
  throw base::Error({.code = base::ErrorCode::kUnsupported,
                     .operation = "plan",
                     .subject = "stream " + stream.name,
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

}  // namespace

model::TableName TargetOf(const model::Stream& stream, const RunOptions& options) {
  model::TableName target;
  target.table = stream.table ? stream.table->table : stream.name;
  target.schema = options.destination_schema.value_or(stream.table ? stream.table->schema : "main");
  return target;
}

void CheckTargets(const std::vector<model::Stream>& streams, const RunOptions& options) {
  std::map<std::string, const model::Stream*> taken;
  for (const auto& stream : streams) {
    const auto target = TargetOf(stream, options);
    const auto [other, fresh] = taken.emplace(Folded(target.ToString()), &stream);
    if (fresh) continue;
    throw base::Error(
        {.code = base::ErrorCode::kInvalidConfig,
         .operation = "plan",
         .subject = "stream " + stream.name,
         .message = fmt::format("would land in table {}, as stream {} does", target.ToString(),
                                other->second->name),
         .remedy = "Leave out destination.schema, so that each table keeps its own schema, or sync "
                   "one of the two in a configuration of its own."});
  }
}

void CheckModes(const model::Stream& stream, const destinations::Capabilities& capabilities) {
  if (stream.sync_mode != model::SyncMode::kFullRefresh) {
    Unsupported(stream, "sync_mode incremental is not available in this version",
                "Set sync_mode: full_refresh and write_mode: overwrite for this stream.");
  }
  const bool possible =
      (stream.write_mode == model::WriteMode::kOverwrite && capabilities.overwrite) ||
      (stream.write_mode == model::WriteMode::kAppend && capabilities.append) ||
      (stream.write_mode == model::WriteMode::kMerge && capabilities.merge);
  if (!possible) {
    Unsupported(stream,
                fmt::format("the destination cannot do write_mode {}", ToString(stream.write_mode)),
                "Set write_mode: overwrite for this stream.");
  }
}

StreamPlan PlanStream(redshift::Session& session, const model::Stream& stream,
                      const RunOptions& options, const base::Call& call) {
  StreamPlan plan{.stream = stream};
  plan.target = {.stream = stream.name,
                 .table = TargetOf(stream, options),
                 .columns = redshift::DescribeStream(session, options.database, stream, call),
                 .write_mode = stream.write_mode,
                 .primary_key = stream.primary_key};
  plan.select = redshift::BuildSelect(stream, plan.target.columns);
  return plan;
}

}  // namespace sluice::sync
