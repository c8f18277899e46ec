#include "cli/progress_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/units.h"

namespace sluice::cli {
namespace {

using sync::Phase;

constexpr std::chrono::seconds kRateWindow{5};
constexpr std::size_t kNameWidthMax = 32;
constexpr std::size_t kBarWidth = 16;

bool Ended(Phase phase) { return phase == Phase::kDone || phase == Phase::kFailed; }

std::string Bar(double share, const Style& style) {
  const double bounded = std::clamp(share, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(bounded * static_cast<double>(kBarWidth));
  std::string text;
  for (std::size_t i = 0; i < kBarWidth; ++i) {
    text += style.unicode ? (i < full ? "━" : "┄") : (i < full ? "#" : ".");
  }
  return style.Green(text);
}

std::string Mark(Phase phase, const Style& style) {
  if (phase == Phase::kDone) return style.Green(style.unicode ? "✓" : "+");
  if (phase == Phase::kFailed) return style.Red(style.unicode ? "✗" : "!");
  return phase == Phase::kWaiting ? " " : style.Bold(style.unicode ? "›" : ">");
}

// Cells in the order of their worth: the first that does not fit ends the line.
std::vector<std::string> Cells(const ProgressModel::Row& row, base::SteadyTime now,
                               const Style& style) {
  const sync::Progress& p = row.progress;
  std::vector<std::string> cells;
  if (p.phase == Phase::kWaiting) return cells;
  const bool ended = Ended(p.phase);
  const auto until = row.ended.value_or(now);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(until - row.began.value_or(until));
  if (p.rows_loaded > 0 || p.rows_total) {
    cells.push_back(PadLeft(Grouped(p.rows_loaded), 11) + " rows");
    cells.push_back(PadLeft(Bytes(p.bytes_fetched), 9));
  } else {
    cells.push_back(std::string(16, ' '));
    cells.push_back(p.bytes_fetched > 0 ? PadLeft(Bytes(p.bytes_fetched), 9) : std::string(9, ' '));
  }
  cells.push_back(style.Dim(PadLeft(Clocked(seconds), 7)));
  if (ended) return cells;
  const auto rate = BytesPerSecond(row, now);
  cells.push_back(PadLeft(rate && *rate >= 1 ? Rate(*rate) : "", 11));
  const auto left = TimeLeft(row, now);
  cells.push_back(PadLeft(left ? Clocked(*left) + " left" : "", 10));
  if (p.bytes_total && *p.bytes_total > 0) {
    cells.push_back(
        Bar(static_cast<double>(p.bytes_fetched) / static_cast<double>(*p.bytes_total), style));
  }
  return cells;
}

}  // namespace

std::string_view Doing(Phase phase) {
  switch (phase) {
    case Phase::kWaiting: return "waiting";
    case Phase::kPlan: return "planning";
    case Phase::kLogin: return "logging in";
    case Phase::kUnload: return "unloading";
    case Phase::kLoad: return "loading";
    case Phase::kCommit: return "committing";
    case Phase::kClean: return "cleaning";
    case Phase::kDone: return "done";
    case Phase::kFailed: return "failed";
  }
  return "waiting";
}

std::optional<double> BytesPerSecond(const ProgressModel::Row& row, base::SteadyTime now) {
  if (row.samples.empty()) return std::nullopt;
  const auto& [since, bytes] = row.samples.front();
  const double seconds = std::chrono::duration<double>(now - since).count();
  if (seconds < 0.3) return std::nullopt;
  return static_cast<double>(row.progress.bytes_fetched - bytes) / seconds;
}

std::optional<std::chrono::seconds> TimeLeft(const ProgressModel::Row& row, base::SteadyTime now) {
  const auto rate = BytesPerSecond(row, now);
  const auto total = row.progress.bytes_total;
  if (!rate || *rate < 1 || !total || *total < row.progress.bytes_fetched) return std::nullopt;
  const double left = static_cast<double>(*total - row.progress.bytes_fetched) / *rate;
  // Above a day it is no forecast.
  if (left > 86400) return std::nullopt;
  return std::chrono::seconds(static_cast<std::int64_t>(left + 0.5));
}

ProgressModel::ProgressModel(const std::vector<std::string>& streams) {
  for (const auto& stream : streams) {
    Row row;
    row.progress.stream = stream;
    rows_.push_back(std::move(row));
    name_width_ =
        std::max(name_width_, std::min(Width(base::PrintableLine(stream)), kNameWidthMax));
  }
}

void ProgressModel::Apply(const sync::Progress& progress, base::SteadyTime now) {
  const auto row = std::find_if(rows_.begin(), rows_.end(),
                                [&](const Row& r) { return r.progress.stream == progress.stream; });
  if (row == rows_.end()) return;
  row->progress = progress;
  if (!row->began && progress.phase != Phase::kWaiting) row->began = now;
  if (!row->ended && Ended(progress.phase)) row->ended = now;
  // Bounded whatever the pace of calls: a hundred samples make the window.
  if (row->samples.empty() || now - row->samples.back().first >= kRateWindow / 100) {
    row->samples.emplace_back(now, progress.bytes_fetched);
  }
  while (row->samples.size() > 2 && now - row->samples[1].first >= kRateWindow) {
    row->samples.pop_front();
  }
}

const ProgressModel::Row* ProgressModel::Find(const std::string& stream) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(),
                                [&](const Row& r) { return r.progress.stream == stream; });
  return row == rows_.end() ? nullptr : &*row;
}

std::string ProgressModel::Line(const Row& row, base::SteadyTime now, std::size_t columns,
                                const Style& style) const {
  const std::string name = Shorten(base::PrintableLine(row.progress.stream), name_width_, style);
  std::string line =
      fmt::format(" {} {}  {}", Mark(row.progress.phase, style), PadRight(name, name_width_),
                  PadRight(std::string(Doing(row.progress.phase)), 10));
  if (Width(line) > columns) return Shorten(fmt::format("   {}", name), columns, style);
  for (const auto& cell : Cells(row, now, style)) {
    if (Width(line) + 2 + Width(cell) > columns) break;
    line += "  " + cell;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::vector<std::string> ProgressModel::Lines(base::SteadyTime now, TerminalSize size,
                                              const Style& style) const {
  // The last column stays free: some terminals wrap when it is written.
  const std::size_t columns = size.columns > 1 ? size.columns - 1 : 1;
  const std::size_t rows_max = size.rows > 4 ? size.rows - 2 : 2;
  const bool fold = rows_.size() > rows_max;
  std::vector<std::string> lines;
  std::size_t waiting = 0;
  std::size_t finished = 0;
  std::size_t hidden = 0;
  for (const Row& row : rows_) {
    if (fold && row.progress.phase == Phase::kWaiting) {
      ++waiting;
    } else if (fold && Ended(row.progress.phase)) {
      ++finished;
    } else if (fold && lines.size() + 2 >= rows_max) {
      ++hidden;
    } else {
      lines.push_back(Line(row, now, columns, style));
    }
  }
  if (fold) {
    lines.push_back(
        style.Dim(Shorten(fmt::format("   {} finished, {} running, {} waiting", finished,
                                      rows_.size() - finished - waiting, waiting),
                          columns, style)));
  }
  return lines;
}

}  // namespace sluice::cli
