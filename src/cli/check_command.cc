#include "cli/check_command.h"

#include "cli/screens.h"
#include "connection/connection.h"
#include "contract/documents.h"
#include "contract/exit_code.h"
#include "contract/report_document.h"
#include "init/whole_file.h"
#include "report/recorder.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kCheckFooter = R"(
It logs in, reads no rows, and leaves nothing in the bucket.

--report FILE is for a bug report: each statement and call with its time, types and error codes,
without names, values and keys. Read it before you send it.

Examples:
  sluice check
  sluice check --only source     before there is a destination or a stream
  sluice check --report report.json
  sluice -c acme.yaml check --json | jq '.findings[] | select(.severity == "failure")')";

void AddCheckOptions(Options& options, CommandLine& line) {
  options
      .Add("--report", line.report,
           "Write what the workgroup and AWS answered, for those who make Sluice")
      .Value("FILE");
  options.Switch("--report-names", line.report_names,
                 "Names of schemas, tables and columns may stand in the report");
  options.Add("--only", line.only, "Check the one side alone, whatever the other is like")
      .Value("SIDE")
      .OneOf({"source", "destination"});
  // For docs/TROUBLESHOOTING.md; no help of it, because people read that page.
  options.Switch("--list-findings", line.list_findings, "").Hidden();
  options.AddEvents(line.events);
}

std::optional<int> ListFindings(const Context& context) {
  if (!context.line.list_findings) return std::nullopt;
  context.out(contract::FindingKindsJson());
  return contract::kDone;
}

}  // namespace

namespace {

check::Only OnlyOf(const CommandLine& line) {
  if (line.only.empty()) return check::Only::kAll;
  return line.only == "source" ? check::Only::kSource : check::Only::kDestination;
}

report::Names NamesOf(const CommandLine& line) {
  return line.report_names ? report::Names::kShown : report::Names::kHidden;
}

void WriteReport(const Context& context, const config::Config& config,
                 const check::Findings& findings, const report::Recorder& recorder) {
  constexpr unsigned kForTheOwnerAlone = 0600;
  init::WriteWhole(
      context.line.report,
      contract::ReportJson(config, findings, recorder.Written(), NamesOf(context.line)),
      kForTheOwnerAlone);
  if (!context.line.quiet) {
    context.screen.PrintLine("The report is in " + context.line.report +
                             ". Read it before you send it: it is for people, too.");
  }
}

}  // namespace

int RunCheck(const Context& context, const config::Config& config) {
  report::Recorder recorder(context.clock, NamesOf(context.line));
  connection::Onlookers onlookers;
  if (!context.line.report.empty()) {
    onlookers.session = &recorder;
    onlookers.exchange = [&](const http::Exchange& exchange) { recorder.OnExchange(exchange); };
  }
  connection::Connection connection(config, context.environment, context.clock, context.log,
                                    std::move(onlookers));
  context.on_staging_root(connection.StagingRoot());
  const bool json = context.line.json;
  // Of patterns nobody knows before the workgroup is asked.
  FindingPrinter printer(config.patterns.empty() ? config.streams.size() : 0, context.out_style);
  const auto print = [&](const check::Finding& finding) {
    if (context.events != nullptr) context.events->Found(finding);
    if (!json) context.out(printer.Add(finding));
  };
  if (!json) context.out(CheckHeader(config, context.out_style));
  auto options = connection.CheckOptions();
  options.only = OnlyOf(context.line);
  options.streams_to_come = context.line.command == Command::kInit;
  std::vector<check::Finding> warned;
  for (const auto& warning : config.warnings) {
    warned.push_back(check::MakeFinding(
        "configuration.secret_readable", warning.field, warning.field + " " + warning.problem,
        {{"file", warning.file.empty() ? config.file.string() : warning.file},
         {"field", warning.field}}));
    print(warned.back());
  }
  auto findings = check::Run(options, connection.CheckParts(print), context.stop);
  findings.findings.insert(findings.findings.begin(), warned.begin(), warned.end());
  if (!context.line.report.empty()) WriteReport(context, config, findings, recorder);
  context.out(json ? contract::CheckJson(findings)
                   : printer.Rest() + CheckFooter(findings, context.out_style));
  return contract::ExitCodeOf(findings);
}

const CommandRow kCheckCommand = {
    .name = "check",
    .description = "Prove every step of the set-up guide, and tell how to fix the rest",
    .footer = kCheckFooter,
    .command = Command::kCheck,
    .add_options = AddCheckOptions,
    .before = ListFindings,
    .run = RunCheck};

}  // namespace sluice::cli
