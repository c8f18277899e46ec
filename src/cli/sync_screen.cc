// The end of a sync: what came over, with its proof; what did not, and what to do.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "cli/cost_text.h"
#include "cli/screens.h"
#include "cli/text_table.h"
#include "cli/units.h"

namespace sluice::cli {
namespace {

// "unload 60175 = manifest 60175 = footers 60175 = loaded 60175"
std::string ProofText(const model::Proof& proof, const Style& style) {
  std::string text;
  if (proof.notice_rows) text = fmt::format("unload {} = ", *proof.notice_rows);
  text += fmt::format("manifest {} = footers {} = loaded {}", proof.manifest_rows,
                      proof.footer_rows, proof.loaded_rows);
  return proof.Agrees() ? style.Green(text) : style.Red(text);
}

std::string StreamsTable(const sync::RunResult& result, const Style& style) {
  TextTable table("llrrrl");
  table.Add({" ", style.Dim("stream"), style.Dim("rows"), style.Dim("bytes"), style.Dim("seconds"),
             style.Dim("proof")});
  for (const auto& stream : result.streams) {
    const std::string name = base::PrintableLine(stream.stream);
    if (stream.error) {
      const bool stopped = stream.error->code == base::ErrorCode::kCancelled;
      table.Add({style.Red(style.unicode ? "✗" : "!"), name, "", "", Seconds(stream.duration),
                 stopped ? style.Yellow("stopped")
                         : style.Red(fmt::format("failed: {}",
                                                 base::ErrorCodeName(stream.error->code)))});
      continue;
    }
    table.Add({style.Green(style.unicode ? "✓" : "+"), name, Grouped(stream.proof.loaded_rows),
               Bytes(stream.bytes), Seconds(stream.duration), ProofText(stream.proof, style)});
  }
  return table.Text(" ");
}

// What a merge changed: for a plain load the rows say it all.
std::string ChangeText(const model::Counts& counts) {
  if (counts.updated + counts.unchanged + counts.deleted + counts.skipped == 0) return {};
  std::string text;
  const auto add = [&](std::uint64_t number, std::string_view word) {
    if (number == 0) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Grouped(number), word);
  };
  add(counts.inserted, "inserted");
  add(counts.updated, "updated");
  add(counts.unchanged, "unchanged");
  add(counts.deleted, "deleted");
  add(counts.skipped, "skipped");
  if (counts.duplicates > 0) {
    text += fmt::format(" (of which {} repeat a key)", Grouped(counts.duplicates));
  }
  return text;
}

// How it came over, if not at the first go or not read by this run.
std::string WayText(const sync::StreamResult& stream) {
  std::string text;
  if (stream.adopted_from) {
    text = fmt::format("from an UNLOAD of {:%Y-%m-%d %H:%M} UTC that an earlier sync had paid for",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(*stream.adopted_from)));
  }
  if (stream.attempts > 1) {
    text += fmt::format("{}at attempt {}", text.empty() ? "" : ", ", stream.attempts);
  }
  return text;
}

std::string Changes(const sync::RunResult& result, const Style& style) {
  std::string text;
  for (const auto& stream : result.streams) {
    if (stream.error) continue;
    std::string changes = ChangeText(stream.counts);
    const std::string way = WayText(stream);
    if (!changes.empty() && !way.empty()) changes += "; ";
    changes += way;
    if (changes.empty()) continue;
    text += fmt::format("   {}  {}\n", base::PrintableLine(stream.stream), style.Dim(changes));
  }
  return text.empty() ? text : "\n" + text;
}

std::string Totals(const sync::RunResult& result, const std::string& destination,
                   const Style& style) {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::size_t good = 0;
  for (const auto& stream : result.streams) {
    if (stream.error) continue;
    ++good;
    rows += stream.proof.loaded_rows;
    bytes += stream.bytes;
  }
  const double seconds = std::chrono::duration<double>(result.duration).count();
  std::string text =
      fmt::format("{}, {} in {} s", Count(rows, "row"), Bytes(bytes), Seconds(result.duration));
  if (seconds > 0.05 && rows > 0) {
    text += fmt::format(" ({} rows/s)",
                        Grouped(static_cast<std::uint64_t>(static_cast<double>(rows) / seconds)));
  }
  const std::string streams =
      good == result.streams.size()
          ? Count(good, "stream")
          : fmt::format("{} of {}", good, Count(result.streams.size(), "stream"));
  return fmt::format("{} into {}: {}\n{}\n", style.Bold(streams), base::PrintableLine(destination),
                     text, style.Dim("run " + result.run));
}

// Streams that failed in the same way, together: a missing right at ten tables is one block.
struct Failure {
  base::ErrorInfo error;
  std::vector<std::string> streams;
  std::vector<std::string> subjects;  // of each stream's own error: its column, its table
};

std::vector<Failure> Failures(const sync::RunResult& result) {
  std::vector<Failure> failures;
  for (const auto& stream : result.streams) {
    if (!stream.error || stream.error->code == base::ErrorCode::kCancelled) continue;
    const auto same = std::find_if(failures.begin(), failures.end(), [&](const Failure& failure) {
      return failure.error.code == stream.error->code &&
             failure.error.message == stream.error->message &&
             failure.error.operation == stream.error->operation &&
             failure.error.remedy == stream.error->remedy;
    });
    if (same != failures.end()) {
      same->streams.push_back(stream.stream);
      same->subjects.push_back(stream.error->subject);
    } else {
      failures.push_back({*stream.error, {stream.stream}, {stream.error->subject}});
    }
  }
  return failures;
}

// "sales.orders, column note": the stream, and what of it the error concerns, if it says more.
std::string StreamWithSubject(const std::string& stream, std::string subject, bool alone) {
  const std::string own = "stream " + stream;
  if (subject.starts_with(own)) subject.erase(0, own.size());
  const std::string table = "table " + stream;
  if (subject == table && !alone) subject.clear();
  while (subject.starts_with(",") || subject.starts_with(" ")) subject.erase(0, 1);
  return subject.empty() ? stream : stream + ", " + subject;
}

std::string FailureScreen(const Failure& failure, const Style& style) {
  base::ErrorInfo error = failure.error;
  const bool alone = failure.streams.size() == 1;
  const bool one_subject =
      std::all_of(failure.subjects.begin(), failure.subjects.end(),
                  [&](const std::string& subject) { return subject == failure.subjects.front(); });
  // The streams first, because they are what the person asked for; then the table, column or file
  // concerned, each stream's own where they differ.
  std::string streams;
  for (std::size_t i = 0; i < failure.streams.size(); ++i) {
    const bool told = one_subject && !alone;
    streams += (i == 0 ? "" : (one_subject ? ", " : "; ")) +
               StreamWithSubject(failure.streams[i], told ? "" : failure.subjects[i], alone);
  }
  error.subject = (alone ? "stream " : "streams ") + streams;
  if (one_subject && !alone && failure.subjects.front().find("column") != std::string::npos) {
    error.subject += " (" + failure.subjects.front() + ")";
  }
  return "\n" + ErrorScreen(error, style);
}

std::string Leftovers(const sync::RunResult& result, const Style& style) {
  std::string text;
  for (const auto& stream : result.streams) {
    for (const auto& left : stream.left_behind) text += "    " + base::PrintableLine(left) + "\n";
  }
  if (text.empty()) return {};
  return "\n" + style.Yellow("Still in the bucket") + ", because it could not be removed:\n" +
         text + "    The next sync tries again; or remove it by hand.\n";
}

std::string Kept(const sync::RunResult& result, const Style& style) {
  std::string text;
  for (const auto& stream : result.streams) {
    for (const auto& prefix : stream.kept) text += "    " + base::PrintableLine(prefix) + "\n";
  }
  if (text.empty()) return {};
  return "\n" + style.Yellow("Kept in the bucket") + ", as it was paid for:\n" + text +
         "    The next sync loads it, or removes it; sluice clean removes it now.\n";
}

}  // namespace

std::string SyncScreen(const sync::RunResult& result, const std::string& destination,
                       const Style& style) {
  std::string text = StreamsTable(result, style) + Changes(result, style) + "\n" +
                     Totals(result, destination, style);
  if (result.cost) text += style.Dim(CostText(*result.cost)) + "\n";
  for (const auto& stream : result.streams) {
    for (const auto& warning : stream.warnings) {
      text += fmt::format("{} {}: {}\n", style.Yellow("warning:"),
                          base::PrintableLine(stream.stream), base::PrintableLine(warning));
    }
  }
  for (const auto& failure : Failures(result)) text += FailureScreen(failure, style);
  text += Leftovers(result, style) + Kept(result, style);
  if (result.interrupted) {
    text += "\n" + style.Yellow("Interrupted.") +
            " Streams that were stopped are at the destination as they were before.\n";
  }
  return text;
}

}  // namespace sluice::cli
