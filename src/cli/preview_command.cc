// `sluice preview`: the first rows of a stream, on the screen and nowhere else.
#include <unistd.h>

#include "cli/choose_streams.h"
#include "cli/command_table.h"
#include "cli/preview_screen.h"
#include "cli/terminal.h"
#include "connection/connection.h"
#include "connection/preview.h"
#include "contract/documents.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kPreviewFooter = R"(
The rows are read as a sync would read them: with the stream's columns and whatever the
configuration makes of them. They go to standard output alone, and none of them into a log.
Which rows come first is up to Redshift.

Examples:
  sluice preview sales.orders
  sluice preview big_spenders --limit 5 --json)";

void AddPreviewOptions(Options& options, CommandLine& line) {
  options.Add("STREAM", line.stream, "Of this stream, by name").Required();
  options.Add("--limit", line.limit, "So many rows (default 20)").Value("NUMBER").Range(1, 1000);
}

int RunPreview(const Context& context, const config::Config& config) {
  connection::Connection connection(config, context.environment, context.clock, context.log);
  const base::Call call{.deadline = base::Deadline::Never(), .stop = context.stop};
  const auto chosen = ChooseFor({context.line.stream}, config, connection, call);
  const auto session = connection.LoginAgain(call);
  const auto preview = connection::ReadPreview(*session, config.redshift.database,
                                               chosen.streams.at(0), context.line.limit, call);
  const auto width = IsTerminal(STDOUT_FILENO) ? SizeOf(STDOUT_FILENO).columns : 0;
  context.out(context.line.json ? contract::PreviewJson(preview)
                                : PreviewScreen(preview, width, context.out_style));
  return contract::kDone;
}

}  // namespace

const CommandRow kPreviewCommand = {
    .name = "preview",
    .description = "Show the first rows of a stream, as a sync would read them",
    .footer = kPreviewFooter,
    .command = Command::kPreview,
    .add_options = AddPreviewOptions,
    .run = RunPreview};

}  // namespace sluice::cli
