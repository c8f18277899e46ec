#include "cli/screens.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/cost_text.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "sync/rights.h"

namespace sluice::cli {
namespace {

std::string FindingMark(check::Severity severity, const Style& style) {
  switch (severity) {
    case check::Severity::kOk: return style.Green(style.unicode ? "✓" : "ok  ");
    case check::Severity::kAdvice: return style.Dim(style.unicode ? "·" : "note");
    case check::Severity::kWarning: return style.Yellow(style.unicode ? "!" : "WARN");
    case check::Severity::kFailure: return style.Red(style.unicode ? "✗" : "FAIL");
    case check::Severity::kSkipped: return style.Dim(style.unicode ? "–" : "--  ");
  }
  return "";
}

// Sentences of a server or of AWS may come in lines; a line of the screen is ours to begin.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return base::PrintableLine(line);
}

// A text of several lines beneath a label of its own.
// `text` is fit for a screen.
std::string Labelled(std::string_view label, const std::string& text, const Style& style) {
  if (text.empty()) return {};
  const std::string indent(4 + 8, ' ');
  // Fixed rather than the terminal's width: long lines of prose are hard to read on a wide one,
  // too.
  constexpr std::size_t kProseWidth = 88;
  std::string body = Indent(Wrap(text, kProseWidth), indent);
  return "    " + style.Dim(PadRight(std::string(label), 8)) +
         (body.size() > indent.size() ? body.substr(indent.size()) : "") + "\n";
}

}  // namespace

std::string ErrorScreen(const base::ErrorInfo& error, const Style& style) {
  std::string title = base::PrintableLine(error.subject.empty() ? error.operation : error.subject);
  if (title.empty()) title = "sluice";
  std::string text =
      fmt::format("{} {}  {}\n", style.Red(style.unicode ? "✗" : "error:"), style.Bold(title),
                  style.Dim(fmt::format("({})", base::ErrorCodeName(error.code))));
  std::string seen = error.message;
  if (!error.operation.empty() && !error.subject.empty()) {
    seen = fmt::format("{}: {}", error.operation, seen);
  }
  text += Labelled("seen", OneLine(seen), style);
  // A lower error's text helps whoever has to look deeper; not if it only says the same again.
  if (error.cause != error.message) text += Labelled("cause", OneLine(error.cause), style);
  text += Labelled("do", base::PrintableRemedy(error.remedy), style);
  if (error.in_doubt) {
    text += Labelled("note", "it is not known whether this took effect; the next sync finds out",
                     style);
  }
  return text;
}

std::string ProblemsScreen(const std::filesystem::path& file,
                           const std::vector<config::Problem>& problems, const Style& style) {
  std::string text = fmt::format(
      "{} {}\n", style.Bold(base::PrintableLine(file.string())),
      problems.size() == 1 ? "has a problem" : fmt::format("has {} problems", problems.size()));
  for (const auto& problem : problems) {
    const std::string what =
        problem.field.empty() ? "the file" : base::PrintableLine(problem.field);
    text += fmt::format("\n{} {} {}\n    {}\n", style.Red(style.unicode ? "✗" : "error:"),
                        style.Bold(what), base::PrintableLine(problem.problem),
                        style.Dim("at " + base::PrintableLine(config::Place(file, problem))));
    text += Indent(Wrap(base::PrintableRemedy(problem.remedy), 96), "    ") + "\n";
  }
  return text;
}

std::string ValidScreen(const config::Config& config, const Style& style) {
  std::string text = fmt::format("{} {} is right: {}\n", FindingMark(check::Severity::kOk, style),
                                 style.Bold(base::PrintableLine(config.file.string())),
                                 Count(config.streams.size(), "stream"));
  if (!config.patterns.empty()) {
    text.insert(text.size() - 1, ", " + Count(config.patterns.size(), "pattern") + " of tables");
  }
  TextTable table("lll");
  for (const auto& entry : config.streams) {
    table.Add({base::PrintableLine(entry.stream.name),
               std::string(ToString(entry.stream.sync_mode)),
               std::string(ToString(entry.stream.write_mode))});
  }
  text += table.Text("    ");
  for (const auto& warning : config.warnings) {
    text += fmt::format("{} {} {}\n{}\n", FindingMark(check::Severity::kWarning, style),
                        style.Bold(base::PrintableLine(warning.field)),
                        base::PrintableLine(warning.problem),
                        Indent(base::PrintableRemedy(warning.remedy), "    "));
  }
  return text + style.Dim("Nobody was contacted. To prove the rest: sluice check") + "\n";
}

std::string CheckHeader(const config::Config& config, const Style& style) {
  return fmt::format("Checking {} ({})\n\n", style.Bold(base::PrintableLine(config.name)),
                     base::PrintableLine(config.file.string()));
}

namespace {

std::string WithSubject(const check::Finding& finding, const std::string& text) {
  const std::string line = OneLine(text);
  return finding.subject.empty()
             ? line
             : fmt::format("{}: {}", base::PrintableLine(finding.subject), line);
}

// All lines of a block in the colour of an aside.
std::string Dimmed(const std::string& block, const Style& style) {
  std::string text;
  for (std::size_t at = 0; at < block.size();) {
    const auto end = block.find('\n', at);
    text += style.Dim(block.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return text;
}

}  // namespace

std::string FindingScreen(const check::Finding& finding, const Style& style) {
  using check::Severity;
  const std::string step = PadRight(std::string(StepTitle(finding.step)), 21);
  const bool good = finding.severity == Severity::kOk;
  const bool quiet =
      finding.severity == Severity::kSkipped || finding.severity == Severity::kAdvice;
  const std::string first =
      WithSubject(finding, finding.title.empty() ? finding.seen : finding.title);
  std::string text = fmt::format("  {} {} {}\n", FindingMark(finding.severity, style),
                                 good || quiet ? step : style.Bold(step),
                                 quiet ? style.Dim(first) : (good ? first : style.Bold(first)));
  // A dimmed block is dimmed once.
  const Style plain{.colour = style.colour && !quiet, .unicode = style.unicode};
  std::string more;
  // With its full stop it is prose, and is wrapped.
  const std::string stop = finding.seen.ends_with('.') ? "" : ".";
  if (!finding.title.empty()) more += Labelled("seen", OneLine(finding.seen + stop), plain);
  more += Labelled("cause", OneLine(finding.cause), plain);
  more += Labelled("why", base::Printable(finding.why), plain);
  more += Labelled("do", base::PrintableRemedy(finding.remedy), plain);
  return text + (quiet && style.colour ? Dimmed(more, style) : more);
}

std::string FindingPrinter::Add(const check::Finding& finding) {
  const bool stream = finding.step == check::Step::kStreams && !finding.subject.empty();
  if (stream && finding.severity == check::Severity::kOk) {
    if (++readable_ == 1) other_ = FindingScreen(finding, style_);
    return {};
  }
  return (stream ? "" : Rest()) + FindingScreen(finding, style_);
}

std::string FindingPrinter::Rest() {
  const std::size_t readable = std::exchange(readable_, 0);
  if (readable <= 1) return std::exchange(other_, "");
  other_.clear();
  check::Finding all{.step = check::Step::kStreams};
  all.seen = streams_ == 0 ? fmt::format("{} streams can be read", readable)
             : readable == streams_
                 ? fmt::format("all {} streams can be read", readable)
                 : fmt::format("{} of {} streams can be read", readable, streams_);
  return FindingScreen(all, style_);
}

namespace {

std::string ReadyLine(const check::Findings& findings, const Style& style) {
  const bool no_streams = std::any_of(
      findings.findings.begin(), findings.findings.end(),
      [](const auto& finding) { return finding.id == "configuration.streams_to_come"; });
  if (no_streams) return style.Green("Ready for streams.") + " Next: sluice discover\n";
  const bool warned = findings.Count(check::Severity::kWarning) > 0;
  return style.Green("Ready.") + (warned ? " The warnings do not stop a sync. Next: " : " Next: ") +
         "sluice sync\n";
}

// "2 problems: fix the first one first: Log-in, database x does not exist".
std::string ProblemsLine(const check::Findings& findings, std::size_t failures,
                         const Style& style) {
  const auto first = std::find_if(
      findings.findings.begin(), findings.findings.end(),
      [](const auto& finding) { return finding.severity == check::Severity::kFailure; });
  const std::string what =
      fmt::format("{}: {}", StepTitle(first->step),
                  WithSubject(*first, first->title.empty() ? first->seen : first->title));
  return style.Red(Count(failures, "problem")) +
         (failures == 1 ? ": " : ": fix the first one first: ") + style.Bold(what) +
         "\nThen: sluice check" +
         (failures == 1 ? "" : "    (later ones often follow from the first)") + "\n";
}

}  // namespace

std::string CheckFooter(const check::Findings& findings, const Style& style) {
  using check::Severity;
  const auto failures = findings.Count(Severity::kFailure);
  std::string text = "\n";
  if (findings.interrupted) {
    text += style.Yellow("Interrupted before the end.") + "\n";
  } else {
    text += failures == 0 ? ReadyLine(findings, style) : ProblemsLine(findings, failures, style);
  }
  const auto skipped = findings.Count(Severity::kSkipped);
  const auto advice = findings.Count(Severity::kAdvice);
  text += style.Dim(fmt::format(
      "{}, {}{}, {} ok{}, in {} s", Count(failures, "failure"),
      Count(findings.Count(Severity::kWarning), "warning"),
      advice > 0 ? fmt::format(", {} advice", advice) : "", findings.Count(Severity::kOk),
      skipped > 0 ? fmt::format(", {} not checked", skipped) : "", Seconds(findings.duration)));
  return text + "\n";
}

std::string DiscoverScreen(const std::vector<connection::DiscoveredSchema>& schemas,
                           const Style& style) {
  if (schemas.empty()) {
    return "No schema is visible to this user.\nGrant it one: GRANT USAGE ON SCHEMA ...  (sluice "
           "check tells the user's name)\n";
  }
  std::string text;
  std::size_t tables = 0;
  for (const auto& schema : schemas) {
    text += fmt::format("{}{}\n", style.Bold(base::PrintableLine(schema.name)),
                        schema.type == "local" || schema.type.empty()
                            ? ""
                            : style.Dim(" (" + base::PrintableLine(schema.type) + ")"));
    if (schema.tables.empty()) text += style.Dim("  no table can be seen") + "\n";
    for (const auto& table : schema.tables) {
      ++tables;
      text += fmt::format(
          "\n  {}  {}{}\n", style.Bold(base::PrintableLine(connection::TableText(table.name))),
          style.Dim(fmt::format(
              "{}, {}, {}", table.type.empty() ? "TABLE" : base::PrintableLine(table.type),
              ToString(table.proposal.sync_mode), ToString(table.proposal.write_mode))),
          table.configured ? style.Green("  configured") : "");
      if (table.size) {
        text += style.Dim(fmt::format("      about {} rows, {}\n", Grouped(table.size->rows),
                                      Bytes(table.size->bytes)));
      }
      TextTable columns("lll");
      for (const auto& column : table.columns) {
        const bool key = std::find(table.primary_key.begin(), table.primary_key.end(),
                                   column.name) != table.primary_key.end();
        columns.Add({base::PrintableLine(column.name), ToString(column.type),
                     key ? "key" : (column.nullable ? "" : "not null")});
      }
      for (const auto& column : table.unknown) {
        columns.Add({base::PrintableLine(column.name), base::PrintableLine(column.data_type),
                     "cannot be read"});
      }
      text += columns.Text("      ");
      if (table.proposal.cursor || !table.proposal.primary_key.empty()) {
        text += style.Dim("      proposed: " + base::PrintableLine(table.proposal.reason)) + "\n";
      }
      if (table.doubled_keys.value_or(0) > 0) {
        text += style.Red(fmt::format("      {} of the key's values stand in more than one row\n",
                                      Grouped(*table.doubled_keys)));
      } else if (table.doubled_keys) {
        text += style.Green("      the key's values stand in one row each\n");
      }
      if (!table.hidden.empty()) {
        text += style.Yellow("      its columns are hidden: ") + base::PrintableLine(table.hidden) +
                "\n";
      }
    }
    text += "\n";
  }
  return text +
         style.Dim(fmt::format("{} in {}. Keys are as declared; Redshift does not enforce "
                               "them.",
                               Count(tables, "table"), Count(schemas.size(), "schema"))) +
         "\n";
}

namespace {

std::string EstimateText(const sync::RunEstimate& estimate, std::size_t streams) {
  if (estimate.unknown.size() == streams) {
    return "Cost: at least a minute of the workgroup; more is known after the first sync.\n";
  }
  std::string text = "Cost, as the last time: " + CostText(estimate.cost) + ".\n";
  if (!estimate.unknown.empty()) {
    text += fmt::format("    without {}, of which no sync is known yet\n",
                        Count(estimate.unknown.size(), "stream"));
  }
  return text;
}

std::string_view Fate(model::Landing::Table table) {
  switch (table) {
    case model::Landing::Table::kCreate: return "a new table";
    case model::Landing::Table::kReplace: return "which is made again";
    case model::Landing::Table::kEmpty: return "whose rows are replaced";
    case model::Landing::Table::kKeep: return "which stays";
  }
  return "";
}

// What of the plan is of the destination.
std::string LandingText(const sync::StreamPlan& plan, const Style& style) {
  std::string text =
      fmt::format("    into    {}, {}{}{}\n", base::PrintableLine(plan.target.table.ToString()),
                  Count(plan.target.columns.size(), "column"), plan.landing ? ", " : "",
                  plan.landing ? Fate(plan.landing->table) : "");
  if (!plan.landing) return text;
  TextTable columns("ll");
  for (const auto& column : plan.landing->columns) {
    columns.Add({base::PrintableLine(column.name), base::PrintableLine(column.type)});
  }
  text += columns.Text(std::string(12, ' '));
  for (const auto& change : plan.landing->changes) {
    text += "    " + style.Dim(PadRight("differs", 8)) + base::PrintableLine(change) + "\n";
  }
  return text;
}

std::string PlanText(const sync::StreamPlan& plan, const Style& style) {
  std::string text = LandingText(plan, style);
  if (plan.range) {
    text += fmt::format(
        "    from    {}\n",
        plan.range->low
            ? fmt::format("{} {}, looking back {} s", base::PrintableLine(*plan.stream.cursor),
                          base::PrintableLine(*plan.range->low), plan.range->overlap.count())
            : "the beginning");
  }
  if (plan.key_select) text += "    and     all keys, to find deleted rows\n";
  for (const auto& warning : plan.warnings) {
    text += fmt::format("    {} {}\n", style.Yellow("warning:"), base::PrintableLine(warning));
  }
  for (const auto& note : plan.notes) {
    text += fmt::format("    {} {}\n", style.Dim("note:"), base::PrintableLine(note));
  }
  std::string rights;
  for (const auto& right : sync::RightsNeeded(plan)) {
    rights += (rights.empty() ? "" : "\n") + base::PrintableLine(right);
  }
  text += Labelled("needs", rights, style);
  return text + Labelled("reads", base::PrintableRemedy(plan.select), style);
}

}  // namespace

std::string PlanScreen(const std::vector<sync::Planned>& plans, const std::string& destination,
                       const Style& style, const std::optional<sync::RunEstimate>& estimate) {
  std::string text;
  std::size_t failed = 0;
  for (const auto& planned : plans) {
    const model::Stream& stream = planned.stream;
    text += fmt::format(
        "{}  {}\n", style.Bold(base::PrintableLine(stream.name)),
        style.Dim(fmt::format("{}, {}", ToString(stream.sync_mode), ToString(stream.write_mode))));
    if (planned.plan) text += PlanText(*planned.plan, style);
    if (planned.error) {
      ++failed;
      text += fmt::format("    {}  {} ({})\n", style.Red("failed"),
                          base::PrintableLine(planned.error->message),
                          base::ErrorCodeName(planned.error->code));
      text += Labelled("fix", base::PrintableRemedy(planned.error->remedy), style);
    }
    text += "\n";
  }
  if (estimate && !plans.empty()) text += EstimateText(*estimate, plans.size());
  text += fmt::format("{} would be synced into {}. Nothing was read or written.\n",
                      Count(plans.size() - failed, "stream"), base::PrintableLine(destination));
  if (failed > 0) text += style.Red(Count(failed, "stream") + " would fail") + "\n";
  return text;
}

}  // namespace sluice::cli
