#include "cli/progress_painter.h"

namespace sluice::cli {
namespace {

// Often enough to look alive, seldom enough to cost nothing over a slow line.
constexpr std::chrono::milliseconds kRepaint{125};

}  // namespace

ProgressPainter::ProgressPainter(const std::vector<std::string>& streams, Screen& screen,
                                 const base::Clock& clock, Style style)
    : screen_(screen), clock_(clock), style_(style), model_(streams) {}

ProgressPainter::~ProgressPainter() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  screen_.EndBlock(/*keep=*/false);
}

void ProgressPainter::OnProgress(const sync::Progress& progress) {
  const std::lock_guard lock(mu_);
  model_.Apply(progress, clock_.Steady());
}

void ProgressPainter::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    do {
      Paint();
    } while (clock_.Sleep(kRepaint, stop));
  });
}

void ProgressPainter::Paint() {
  std::vector<std::string> lines;
  {
    const std::lock_guard lock(mu_);
    lines = model_.Lines(clock_.Steady(), screen_.size(), style_);
  }
  screen_.ShowBlock(lines);
}

}  // namespace sluice::cli
