// `sluice status`: each stream's last commit, who syncs now, what may lie in the bucket. Contacts
// nobody.
#include "cli/command_table.h"
#include "cli/record_screens.h"
#include "connection/chosen_streams.h"
#include "connection/connection.h"
#include "contract/exit_code.h"
#include "contract/record_documents.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kStatusFooter = R"(
It reads the ledger beside the configuration and contacts nobody.

Examples:
  sluice status
  sluice status --json | jq '.streams[] | {stream, watermark}')";

int RunStatus(const Context& context, const config::Config& config) {
  const auto history = sync::ReadHistory(connection::LedgerOf(config), 1);
  const auto streams = connection::KnownStreams(config);
  const auto& bucket = config.staging.bucket;
  const auto now = context.clock.Utc();
  const auto month =
      sync::ReadCosts(connection::LedgerOf(config), now - std::chrono::hours(30 * 24));
  context.out(context.line.json
                  ? contract::StatusJson(history, streams, bucket, now, month)
                  : StatusScreen(history, streams, bucket, now, context.out_style, month));
  return contract::kDone;
}

}  // namespace

const CommandRow kStatusCommand = {
    .name = "status",
    .description = "How far each stream is, who syncs now, what is left to clean",
    .footer = kStatusFooter,
    .command = Command::kStatus,
    .run = RunStatus};

}  // namespace sluice::cli
