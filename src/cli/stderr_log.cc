#include "cli/stderr_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace sluice::cli {
namespace {

std::string LevelText(base::LogLevel level, const Style& style) {
  switch (level) {
    case base::LogLevel::kDebug: return style.Dim("debug");
    case base::LogLevel::kInfo: return "info ";
    case base::LogLevel::kWarning: return style.Yellow("warn ");
    case base::LogLevel::kError: return style.Red("error");
  }
  return "info ";
}

// Quoted where a reader could not tell where the value ends.
std::string FieldText(std::string_view value) {
  std::string text(value);
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  const bool plain = !text.empty() && text.find_first_of(" \"=") == std::string::npos;
  if (plain) return base::PrintableLine(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return base::PrintableLine(quoted) + "\"";
}

}  // namespace

std::string UtcText(base::UtcTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), ms.count());
}

void StderrLog::Write(base::LogLevel level, std::string_view event,
                      std::initializer_list<base::LogField> fields) {
  if (level < least_) return;
  std::string line = fmt::format("{} {} {}", style_.Dim(UtcText(clock_.Utc())),
                                 LevelText(level, style_), base::PrintableLine(event));
  for (const auto& field : fields) {
    line += fmt::format("  {}={}", style_.Dim(field.name), FieldText(field.value));
  }
  screen_.PrintLine(line);
}

}  // namespace sluice::cli
