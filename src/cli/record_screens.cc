#include "cli/record_screens.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "cli/cost_text.h"
#include "cli/text_table.h"
#include "cli/units.h"
#include "connection/status_warnings.h"

namespace sluice::cli {
namespace {

std::string When(base::UtcTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string Outcome(const sync::RunRecord& run, bool held, const Style& style) {
  if (run.outcome == "done") return style.Green("done");
  if (!run.outcome.empty()) return style.Red(base::PrintableLine(run.outcome));
  return held ? style.Yellow("under way") : style.Red("died");
}

std::string FailureText(const sync::FailureRecord& failure, const Style& style) {
  std::string text = style.Red("failed:");
  if (!failure.stream.empty()) text += " " + base::PrintableLine(failure.stream) + ":";
  text += " " + base::PrintableLine(failure.message.empty() ? failure.code : failure.message);
  if (!failure.subject.empty() && failure.subject != "stream " + failure.stream) {
    text += " (" + base::PrintableLine(failure.subject) + ")";
  }
  text += "\n";
  if (!failure.remedy.empty()) text += Indent(base::PrintableRemedy(failure.remedy), "    ") + "\n";
  return text;
}

std::string AttemptText(const sync::AttemptRecord& attempt, const Style& style) {
  if (!attempt.error.empty()) return style.Red("failed: " + base::PrintableLine(attempt.error));
  if (!attempt.committed) return style.Yellow("not committed");
  return "";
}

}  // namespace

std::string StatusScreen(const sync::History& history, const std::vector<model::Stream>& streams,
                         const std::string& bucket, base::UtcTime now, const Style& style,
                         const sync::CostTotal& month) {
  TextTable table("llrl");
  table.Add(
      {style.Dim("stream"), style.Dim("last commit"), style.Dim("rows"), style.Dim("watermark")});
  for (const auto& stream : streams) {
    const std::string& name = stream.name;
    const auto last =
        std::find_if(history.last_commits.begin(), history.last_commits.end(),
                     [&](const sync::AttemptRecord& commit) { return commit.stream == name; });
    if (last == history.last_commits.end()) {
      table.Add({base::PrintableLine(name), style.Yellow("never")});
      continue;
    }
    const std::string watermark = history.resets.contains(name)
                                      ? style.Yellow("reset: read from the beginning next")
                                      : base::PrintableLine(last->watermark.value_or(""));
    table.Add({base::PrintableLine(name), When(*last->committed), Grouped(last->rows), watermark});
  }
  std::string text = streams.empty() ? "No stream is configured.\n" : table.Text();
  text += "\n";
  for (const auto& stream : streams) {
    for (const auto& warning : connection::StatusWarnings(history, stream, now)) {
      text += fmt::format("{} {}: {}\n", style.Yellow("warning:"), base::PrintableLine(stream.name),
                          base::PrintableLine(warning));
    }
  }
  if (const auto* failure = sync::LastFailure(history, "")) {
    text += When(failure->at) + "  " + FailureText(*failure, style);
  }
  for (const auto& stream : streams) {
    const auto* failure = sync::LastFailure(history, stream.name);
    if (failure != nullptr) text += When(failure->at) + "  " + FailureText(*failure, style);
  }
  if (history.last_cost) text += "The last sync: " + CostText(*history.last_cost) + ".\n";
  if (month.runs > 1) {
    text += fmt::format("{} in 30 days: {}.\n", Count(month.runs, "sync"), CostText(month.cost));
  }
  if (history.holder) {
    text += style.Yellow("Syncing now: ") + base::PrintableLine(*history.holder) + ".\n";
    return text;
  }
  if (history.unclean.empty()) {
    text += history.runs.empty() ? "Nothing was synced yet. Next: sluice sync\n"
                                 : "No sync is running, and nothing is left in the bucket.\n";
    return text;
  }
  text += style.Yellow("Something may be left in the bucket") + " under:\n";
  for (const auto& attempt : history.unclean) {
    text += fmt::format("    s3://{}/{}\n", bucket, base::PrintableLine(attempt.prefix));
  }
  return text + "The next sync loads or removes it; to remove it now: sluice clean\n";
}

std::string HistoryScreen(const sync::History& history, const Style& style) {
  if (history.runs.empty()) return "Nothing was synced yet. Next: sluice sync\n";
  std::string text;
  bool newest = true;
  for (const auto& run : history.runs) {
    const bool held = newest && history.holder.has_value();
    newest = false;
    text += fmt::format("{}  {}", style.Bold(When(run.began)), Outcome(run, held, style));
    if (run.ended) {
      text += fmt::format(
          ", {} s",
          std::chrono::duration_cast<std::chrono::seconds>(*run.ended - run.began).count());
    }
    text += "  " + style.Dim("run " + base::PrintableLine(run.run)) + "\n";
    TextTable table("lrrl");
    for (const auto& attempt : run.attempts) {
      table.Add({base::PrintableLine(attempt.stream),
                 attempt.committed ? Grouped(attempt.rows) + " rows" : "",
                 attempt.committed ? Bytes(attempt.bytes) : "", AttemptText(attempt, style)});
    }
    text += table.Text("    ");
    for (const auto& failure : run.failures) {
      text += Indent(FailureText(failure, style), "    ");
    }
    if (run.cost) text += "    " + style.Dim(CostText(*run.cost)) + "\n";
    text += "\n";
  }
  return text;
}

std::string CleanScreen(const staging::CleanResult& cleaned, const std::string& root,
                        const Style& style) {
  std::string text;
  if (cleaned.objects_deleted + cleaned.uploads_aborted > 0) {
    text =
        fmt::format("Removed {} and {} under {}\n", Count(cleaned.objects_deleted, "object"),
                    Count(cleaned.uploads_aborted, "unfinished upload"), base::PrintableLine(root));
  }
  if (!cleaned.left_behind.empty()) {
    text += style.Yellow("Still there:") + "\n";
    for (const auto& key : cleaned.left_behind) text += "    " + base::PrintableLine(key) + "\n";
  }
  if (cleaned.error) {
    text += style.Red("Refused: ") + base::PrintableLine(cleaned.error->message) + "\n" +
            Indent(base::PrintableRemedy(cleaned.error->remedy), "    ") + "\n";
  }
  return text.empty() ? "Nothing to remove under " + base::PrintableLine(root) + "\n" : text;
}

}  // namespace sluice::cli
