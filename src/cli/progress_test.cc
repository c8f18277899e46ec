// Goal: a person at a terminal sees one calm line per stream and a clean screen afterwards,
// whatever the terminal's size; a log reader sees starts, changes and ends, and no flood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "cli/progress_log.h"
#include "cli/progress_model.h"
#include "cli/progress_painter.h"
#include "cli/stderr_log.h"
#include "cli/terminal.h"
#include "tests/support/fake_clock.h"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using sync::Phase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Le;
using testing::Not;

constexpr Style kPlain{};
constexpr Style kColourful{.colour = true, .unicode = true};

// Enough of a terminal to see what a person would: text, \r, \n, cursor up, erase line, erase
// below.
class FakeTerminal {
 public:
  Sink sink() {
    return [this](std::string_view text) { Write(text); };
  }
  // Non-empty lines, blanks at their ends cut.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (std::string line : rows_) {
      line.erase(line.find_last_not_of(' ') + 1);
      if (!line.empty()) lines.push_back(line);
    }
    return lines;
  }
  std::size_t column() const { return column_; }
  std::string raw;

 private:
  void Write(std::string_view text) {
    raw += text;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        i = Escape(text, i + 1);
      } else if (text[i] == '\n') {
        column_ = 0;
        if (++row_ == rows_.size()) rows_.emplace_back();
      } else if (text[i] == '\r') {
        column_ = 0;
      } else {
        std::string& line = rows_[row_];
        if (line.size() <= column_) line.resize(column_ + 1, ' ');
        line[column_++] = text[i];
      }
    }
  }
  std::size_t Escape(std::string_view text, std::size_t at) {
    EXPECT_EQ(text[at], '[');
    std::size_t number = 0;
    for (++at; std::isdigit(static_cast<unsigned char>(text[at])) != 0; ++at) {
      number = number * 10 + static_cast<std::size_t>(text[at] - '0');
    }
    switch (text[at]) {
      case 'A':
        EXPECT_LE(number, row_) << "up beyond the first line";
        row_ -= std::min(row_, number);
        break;
      case 'K': rows_[row_].resize(std::min(rows_[row_].size(), column_)); break;
      case 'J':
        rows_.resize(row_ + 1);
        rows_[row_].resize(std::min(rows_[row_].size(), column_));
        break;
      case 'm': break;
      default: ADD_FAILURE() << "an escape that the screen should not need: " << text[at];
    }
    return at;
  }

  std::vector<std::string> rows_{""};
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

sync::Progress Loading(std::string stream, std::uint64_t bytes, std::uint64_t total) {
  return {.stream = std::move(stream),
          .phase = Phase::kLoad,
          .rows_loaded = bytes / 100,
          .rows_total = total / 100,
          .bytes_fetched = bytes,
          .bytes_total = total};
}

class ProgressTest : public testing::Test {
 protected:
  Screen MakeScreen() {
    return Screen(terminal_.sink(), [this] { return size_; });
  }
  test::FakeClock clock_;
  FakeTerminal terminal_;
  TerminalSize size_{.columns = 120, .rows = 24};
};

TEST_F(ProgressTest, LineTellsPhaseRowsBytesTimeRateAndTimeLeft) {
  ProgressModel model({"sales.orders", "b"});
  model.Apply(Loading("sales.orders", 0, 50'000'000), clock_.Steady());
  clock_.Advance(seconds(2));
  model.Apply(Loading("sales.orders", 10'000'000, 50'000'000), clock_.Steady());
  EXPECT_THAT(
      model.Lines(clock_.Steady(), size_, kPlain),
      ElementsAre(
          " > sales.orders  loading         100,000 rows    10.0 MB     0:02     5.0 MB/s   "
          "0:08 left  ###.............",
          "   b             waiting"));
}

TEST_F(ProgressTest, RateIsOfTheLastSecondsNotOfTheWholeRun) {
  ProgressModel model({"a"});
  for (int second = 0; second <= 60; ++second) {
    // A slow minute, then a fast end.
    const auto bytes = static_cast<std::uint64_t>(second < 50 ? second * 1000 : second * 1'000'000);
    model.Apply(Loading("a", bytes, 100'000'000), clock_.Steady());
    if (second < 60) clock_.Advance(seconds(1));
  }
  EXPECT_NEAR(*BytesPerSecond(*model.Find("a"), clock_.Steady()), 1'000'000, 1);
}

TEST_F(ProgressTest, NoForecastWhileTooLittleIsKnown) {
  ProgressModel model({"a"});
  model.Apply({.stream = "a", .phase = Phase::kUnload}, clock_.Steady());
  clock_.Advance(seconds(3));
  model.Apply({.stream = "a", .phase = Phase::kUnload, .bytes_fetched = 5000}, clock_.Steady());
  EXPECT_EQ(TimeLeft(*model.Find("a"), clock_.Steady()), std::nullopt);
}

TEST_F(ProgressTest, NoLineIsWiderThanTheTerminal) {
  ProgressModel model({std::string(60, 'x'), "Größe.Straße", "short"});
  model.Apply(Loading("Größe.Straße", 1000, 2000), clock_.Steady());
  clock_.Advance(seconds(1));
  model.Apply(Loading("Größe.Straße", 2000, 2000), clock_.Steady());
  for (std::size_t columns = 1; columns < 130; ++columns) {
    for (const auto& style : {kPlain, kColourful}) {
      for (const auto& line : model.Lines(clock_.Steady(), {.columns = columns}, style)) {
        EXPECT_THAT(Width(line), Le(std::max<std::size_t>(1, columns - 1))) << line;
      }
    }
  }
}

TEST_F(ProgressTest, MoreStreamsThanRowsAreFolded) {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("s" + std::to_string(i));
  ProgressModel model(names);
  model.Apply({.stream = "s0", .phase = Phase::kDone}, clock_.Steady());
  for (int i = 1; i < 5; ++i) model.Apply(Loading(names[i], 1, 2), clock_.Steady());
  const auto lines = model.Lines(clock_.Steady(), {.columns = 80, .rows = 10}, kPlain);
  EXPECT_THAT(lines.size(), Le(8U));
  EXPECT_THAT(lines.back(), HasSubstr("1 finished, 4 running, 95 waiting"));
}

TEST_F(ProgressTest, NamesCannotSteerTheTerminal) {
  ProgressModel model({"a\x1b[2Jb"});
  EXPECT_THAT(model.Lines(clock_.Steady(), size_, kPlain)[0], HasSubstr("a\\u001b[2Jb"));
}

TEST_F(ProgressTest, PainterRepaintsInPlaceAndLeavesNothing) {
  Screen screen = MakeScreen();
  screen.PrintLine("before");
  {
    ProgressPainter painter({"a", "b"}, screen, clock_, kPlain);
    painter.Paint();
    EXPECT_THAT(terminal_.Lines(), ElementsAre("before", "   a  waiting", "   b  waiting"));
    painter.OnProgress({.stream = "a", .phase = Phase::kDone});
    painter.Paint();
    EXPECT_THAT(terminal_.Lines(), ElementsAre("before", HasSubstr("+ a  done"), "   b  waiting"));
    screen.PrintLine("a log line");
    EXPECT_THAT(terminal_.Lines(),
                ElementsAre("before", "a log line", HasSubstr("+ a  done"), "   b  waiting"));
    painter.OnProgress({.stream = "b", .phase = Phase::kFailed});
    painter.Paint();
    EXPECT_THAT(terminal_.Lines(), ElementsAre("before", "a log line", HasSubstr("+ a  done"),
                                               HasSubstr("! b  failed")));
  }
  EXPECT_THAT(terminal_.Lines(), ElementsAre("before", "a log line"));
  EXPECT_EQ(terminal_.column(), 0U);
}

TEST_F(ProgressTest, PainterFollowsAShrinkingTerminal) {
  Screen screen = MakeScreen();
  ProgressPainter painter({"a", "b", "c", "d", "e", "f", "g", "h"}, screen, clock_, kPlain);
  painter.Paint();
  EXPECT_EQ(terminal_.Lines().size(), 8U);
  size_.rows = 6;
  painter.Paint();
  EXPECT_THAT(terminal_.Lines(), ElementsAre("   0 finished, 0 running, 8 waiting"));
}

TEST_F(ProgressTest, UnchangedBlockIsNotWrittenAgain) {
  Screen screen = MakeScreen();
  ProgressPainter painter({"a"}, screen, clock_, kPlain);
  painter.Paint();
  const auto before = terminal_.raw.size();
  painter.Paint();
  EXPECT_EQ(terminal_.raw.size(), before);
}

TEST_F(ProgressTest, WithoutATerminalNoEscapeIsEverWritten) {
  Screen screen(terminal_.sink(), nullptr);
  screen.ShowBlock({"x"});
  screen.PrintLine("line");
  screen.EndBlock(false);
  EXPECT_EQ(terminal_.raw, "line\n");
}

TEST_F(ProgressTest, PainterThreadEndsWithItsPainter) {
  Screen screen = MakeScreen();
  {
    const base::SystemClock clock;
    ProgressPainter painter({"a"}, screen, clock, kColourful);
    painter.Start();
    for (std::uint64_t i = 0; i < 2000; ++i) painter.OnProgress(Loading("a", i, 2000));
  }
  EXPECT_THAT(terminal_.Lines(), ElementsAre());
}

class ProgressLogTest : public ProgressTest {
 protected:
  Screen screen_{terminal_.sink(), nullptr};
  StderrLog log_{screen_, clock_, kPlain, base::LogLevel::kInfo};
  ProgressLog progress_{{"a"}, log_, clock_};
};

TEST_F(ProgressLogTest, TellsStartChangesAndEnd) {
  for (const auto phase : {Phase::kPlan, Phase::kLogin, Phase::kPlan, Phase::kUnload}) {
    progress_.OnProgress({.stream = "a", .phase = phase});
  }
  progress_.OnProgress(Loading("a", 5000, 10'000));
  progress_.OnProgress({.stream = "a", .phase = Phase::kCommit, .rows_loaded = 100});
  progress_.OnProgress({.stream = "a", .phase = Phase::kClean, .rows_loaded = 100});
  progress_.OnProgress({.stream = "a", .phase = Phase::kDone, .rows_loaded = 100});
  EXPECT_THAT(terminal_.Lines(),
              ElementsAre("2026-01-01T00:00:00.000Z info  unloading  stream=a",
                          "2026-01-01T00:00:00.000Z info  loading  stream=a  rows=50  bytes=5000",
                          "2026-01-01T00:00:00.000Z info  committing  stream=a  rows=100  bytes=0",
                          "2026-01-01T00:00:00.000Z info  done  stream=a  rows=100  bytes=0"));
}

TEST_F(ProgressLogTest, OneLineInTenSecondsWhileLoading) {
  for (int i = 0; i <= 3000; ++i) {
    progress_.OnProgress(Loading("a", static_cast<std::uint64_t>(i) * 1000, 3'000'000));
    clock_.Advance(milliseconds(10));
  }
  const auto lines = terminal_.Lines();
  EXPECT_EQ(lines.size(), 4U) << "the first, and at 10, 20 and 30 s";
  EXPECT_THAT(lines.back(), HasSubstr("rate=\"100.0 kB/s\""));
}

TEST_F(ProgressTest, LogQuotesValuesAndStaysOnOneLine) {
  Screen screen(terminal_.sink(), nullptr);
  StderrLog log(screen, clock_, kPlain, base::LogLevel::kInfo);
  log.Debug("not shown");
  log.Warning("careful\x1b[31m", {{"reason", "two\nlines \"quoted\""}, {"empty", ""}});
  EXPECT_THAT(terminal_.raw, Not(HasSubstr("\x1b")));
  EXPECT_EQ(terminal_.raw,
            "2026-01-01T00:00:00.000Z warn  careful\\u001b[31m  "
            "reason=\"two lines \\\"quoted\\\"\"  empty=\"\"\n");
}

}  // namespace
}  // namespace sluice::cli
