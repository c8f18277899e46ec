// The program's log: one line per event on standard error, above the progress block.
#pragma once
#include <initializer_list>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "cli/style.h"
#include "cli/terminal.h"

namespace sluice::cli {

// Thread-safe. "2026-01-01T00:00:00.000Z info  removed what dead runs left  objects=3"
// REQUIRES: screen and clock outlive it.
class StderrLog final : public base::Logger {
 public:
  StderrLog(Screen& screen, const base::Clock& clock, Style style, base::LogLevel least)
      : screen_(screen), clock_(clock), style_(style), least_(least) {}
  void Write(base::LogLevel level, std::string_view event,
             std::initializer_list<base::LogField> fields) override;

 private:
  Screen& screen_;
  const base::Clock& clock_;
  const Style style_;
  const base::LogLevel least_;
};

// "2026-01-01T00:00:00.000Z"
std::string UtcText(base::UtcTime time);

}  // namespace sluice::cli
