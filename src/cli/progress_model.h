// What the streams of a run are doing, as lines of text. Decides only; progress_painter.h and
// progress_log.h show it. Not thread-safe.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "sync/run.h"

namespace sluice::cli {

class ProgressModel {
 public:
  // The streams in the order they are shown.
  explicit ProgressModel(const std::vector<std::string>& streams);

  // Progress of an unknown stream is ignored.
  void Apply(const sync::Progress& progress, base::SteadyTime now);

  // One line per stream, cut to the terminal; waiting and finished ones are folded into one line
  // each if all do not fit.
  std::vector<std::string> Lines(base::SteadyTime now, TerminalSize size, const Style& style) const;

  struct Row {
    sync::Progress progress;
    std::optional<base::SteadyTime> began;  // left kWaiting
    std::optional<base::SteadyTime> ended;
    // Bytes fetched at moments of the last seconds, oldest first: what the rate is made of.
    std::deque<std::pair<base::SteadyTime, std::uint64_t>> samples;
  };
  const Row* Find(const std::string& stream) const;

 private:
  std::string Line(const Row& row, base::SteadyTime now, std::size_t columns,
                   const Style& style) const;
  std::vector<Row> rows_;
  std::size_t name_width_ = 0;
};

// "waiting", "planning", "logging in", ...
std::string_view Doing(sync::Phase phase);
// Over the last seconds; nullopt while too little is known.
std::optional<double> BytesPerSecond(const ProgressModel::Row& row, base::SteadyTime now);
// By bytes; nullopt while the total or the rate is unknown.
std::optional<std::chrono::seconds> TimeLeft(const ProgressModel::Row& row, base::SteadyTime now);

}  // namespace sluice::cli
