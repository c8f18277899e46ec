#include "cli/app.h"

#include <unistd.h>

#include <mutex>
#include <string>
#include <utility>

#include "base/process_environment.h"
#include "cli/command_line.h"
#include "cli/command_table.h"
#include "cli/process.h"
#include "cli/screens.h"
#include "cli/signals.h"
#include "cli/stderr_log.h"
#include "config/env_file.h"
#include "connection/host_rules.h"
#include "contract/documents.h"
#include "contract/event_output.h"
#include "contract/events.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

// POSIX: the first of these that is set decides.
bool SpeaksUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = base::ProcessEnvironment(name);
    if (!value || value->empty()) continue;
    return value->find("UTF-8") != std::string::npos || value->find("utf8") != std::string::npos ||
           value->find("UTF8") != std::string::npos;
  }
  return false;
}

Style StyleOf(int fd, const CommandLine& line) {
  const bool person = IsTerminal(fd) && base::ProcessEnvironment("TERM").value_or("") != "dumb";
  return {.colour = person && !line.no_color, .unicode = person && SpeaksUtf8()};
}

base::LogLevel LeastLevel(const CommandLine& line) {
  if (line.quiet) return base::LogLevel::kWarning;
  return line.verbose ? base::LogLevel::kDebug : base::LogLevel::kInfo;
}

// What a second Ctrl-C has to tell; set by the command, read on the signals' thread.
class StagingRoot {
 public:
  void Set(std::string text) {
    const std::lock_guard lock(mu_);
    text_ = std::move(text);
  }
  // Does not wait: it is asked for by a thread that is about to end the process.
  std::string Get() {
    const std::unique_lock lock(mu_, std::try_to_lock);
    return lock.owns_lock() ? text_ : "";
  }

 private:
  std::mutex mu_;
  std::string text_;  // guarded by mu_
};

// --events, opened before anything else is: a number that the parent forgot to open could else be
// one of ours.
struct WhereEventsGo {
  std::unique_ptr<contract::EventOutput> output;
  std::optional<base::ErrorInfo> refused;
};

WhereEventsGo OpenEvents(const CommandLine& line) {
  WhereEventsGo where;
  if (line.events.empty()) return where;
  try {
    where.output = contract::EventOutput::Open(line.events);
  } catch (...) {
    where.refused = base::AsError(std::current_exception()).info();
  }
  return where;
}

class App {
 public:
  App(const CommandLine& line, const Hooks& hooks, WhereEventsGo where_events_go)
      : line_(line),
        hooks_(hooks),
        where_events_go_(std::move(where_events_go)),
        out_style_(StyleOf(STDOUT_FILENO, line)),
        log_style_(StyleOf(STDERR_FILENO, line)),
        screen_([](std::string_view text) { WriteAll(STDERR_FILENO, base::Guarded(text)); },
                SizeFunction(line)),
        log_(screen_, clock_, log_style_, LeastLevel(line)),
        signals_([this] { OnFirstSignal(); }, [this] { OnSecondSignal(); },
                 line.watch.empty() ? std::function<void()>() : [this] { OnTerm(); }) {}

  // Its thread uses the log.
  ~App() {
    if (where_events_go_.output) where_events_go_.output->Close();
  }
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  int Run() {
    if (where_events_go_.refused) {
      return standard_output_.ExitCode(Fail(*where_events_go_.refused));
    }
    BeginEvents();
    const int exit_code = standard_output_.ExitCode(RunCommand());
    if (events_) events_->CommandEnded(exit_code, error_ ? &*error_ : nullptr);
    if (where_events_go_.output) where_events_go_.output->Close();
    return exit_code;
  }

 private:
  void BeginEvents() {
    contract::EventOutput* const output = where_events_go_.output.get();
    if (output == nullptr) return;
    output->Start([this](std::string_view reason) {
      log_.Warning("no more events are written; the command goes on",
                   {{"reason", std::string(reason)}});
    });
    events_.emplace(
        [output](std::string_view line, contract::Worth worth) { output->Write(line, worth); },
        clock_);
    events_->CommandBegan(CommandName(line_.command));
  }

  int RunCommand() {
    const CommandRow& row = RowOf(line_.command);
    try {
      if (!TakeEnvFile(row)) return contract::kBadUse;
      if (row.before != nullptr) {
        if (const auto exit_code = row.before(MakeContext())) return *exit_code;
      }
      RequireOpenFiles();
      return RunConfigured(row);
    } catch (...) {
      return Fail(base::AsError(std::current_exception()).info());
    }
  }

  static std::function<TerminalSize()> SizeFunction(const CommandLine& line) {
    const bool person = IsTerminal(STDERR_FILENO) &&
                        base::ProcessEnvironment("TERM").value_or("dumb") != "dumb" && !line.quiet;
    if (!person) return nullptr;
    return [] { return SizeOf(STDERR_FILENO); };
  }

  Context MakeContext() {
    return {.line = line_,
            .environment = environment_,
            .clock = clock_,
            .log = log_,
            .screen = screen_,
            .log_style = log_style_,
            .out = out_,
            .out_style = out_style_,
            .stop = signals_.token(),
            .drain = signals_.drain(),
            .hooks = hooks_,
            .on_staging_root = [this](std::string text) { staging_root_.Set(std::move(text)); },
            .events = events_ ? &*events_ : nullptr};
  }

  int RunConfigured(const CommandRow& row) {
    auto loaded = config::Load(line_.config, environment_, connection::EndpointRules());
    if (!loaded.problems.empty()) {
      TellProblems(row, line_.config, loaded.problems);
      return contract::kBadUse;
    }
    if (env_warning_) loaded.config.warnings.push_back(*env_warning_);
    return row.run(MakeContext(), loaded.config);
  }

  void TellProblems(const CommandRow& row, const std::filesystem::path& file,
                    const std::vector<config::Problem>& problems) {
    error_ = config::ToError(file, problems).info();
    if (line_.json) {
      out_(contract::ProblemsJson(row.runs_as.empty() ? row.name : row.runs_as, file, problems));
    } else {
      WriteAll(STDERR_FILENO, base::Guarded(ProblemsScreen(file, problems, log_style_)));
    }
  }

  // False: --env-file cannot be used, and that is told.
  bool TakeEnvFile(const CommandRow& row) {
    if (line_.env_file.empty()) return true;
    auto read = config::LoadEnvFile(line_.env_file);
    if (!read.problems.empty()) {
      TellProblems(row, line_.env_file, read.problems);
      return false;
    }
    if (!read.readers.empty()) {
      env_warning_ = {.field = "a variable of --env-file",
                      .problem = "stands in a file that " + read.readers + " may read",
                      .remedy = "chmod 600 " + line_.env_file,
                      .file = line_.env_file};
    }
    environment_ = config::WithVariables(base::ProcessEnvironment, std::move(read.variables));
    return true;
  }

  // What an administrator pipes into a file is to be run: it stays as it is.
  void WriteResult(std::string_view text) {
    const bool piped = !line_.setup.part.empty() && !line_.json && !IsTerminal(STDOUT_FILENO);
    standard_output_.Write(piped ? std::string(text) : base::Guarded(text));
  }

  int Fail(const base::ErrorInfo& error) {
    error_ = error;
    if (line_.json) {
      out_(contract::ErrorJson(CommandName(line_.command), error));
    } else if (error.code == base::ErrorCode::kCancelled) {
      screen_.PrintLine(line_.command == Command::kInit ? "\nInterrupted; nothing was written."
                                                        : "Interrupted.");
    } else {
      WriteAll(STDERR_FILENO, base::Guarded(ErrorScreen(error, log_style_)));
    }
    return contract::ExitCodeOf(error);
  }

  void OnFirstSignal() {
    if (line_.command == Command::kInit) return;  // it says so itself
    if (line_.command == Command::kServe) {
      screen_.PrintLine(log_style_.Yellow("Ending") +
                        ": runs that are under way go on; the next start takes them up.");
      return;
    }
    screen_.PrintLine(log_style_.Yellow("Stopping") +
                      ": what runs is cancelled and cleaned up. Once more stops at once.");
  }

  void OnTerm() {
    screen_.PrintLine(log_style_.Yellow("Ending") +
                      " as soon as the streams under way are committed. Once more cancels them.");
  }

  // Writes by itself: whoever holds the screen may hang.
  void OnSecondSignal() {
    const std::string root = staging_root_.Get();
    std::string text = "\nStopped at once.";
    if (!root.empty()) {
      text += " Files may be left in the bucket under\n  " + root +
              "\nThe next sync loads or removes them.";
    }
    WriteAll(STDERR_FILENO, text + "\n");
  }

  const CommandLine& line_;
  const Hooks& hooks_;
  WhereEventsGo where_events_go_;
  config::Environment environment_ = base::ProcessEnvironment;  // set before the command runs
  std::optional<config::Problem> env_warning_;
  const base::SystemClock clock_;
  const Style out_style_;
  const Style log_style_;
  StandardOutput standard_output_;
  const Sink out_ = [this](std::string_view text) { WriteResult(text); };
  Screen screen_;
  StderrLog log_;
  StagingRoot staging_root_;
  std::optional<contract::Events> events_;
  std::optional<base::ErrorInfo> error_;  // what ended the command as a whole
  StopSignals signals_;                   // last: its thread uses those above
};

}  // namespace

int Main(int argc, char** argv, const Hooks& hooks) {
  try {
    const Parsed parsed = ParseCommandLine({argv + 1, argv + argc}, base::ProcessEnvironment);
    if (!parsed.line) {
      if (parsed.exit_code != contract::kDone) {
        WriteAll(STDERR_FILENO, parsed.text);
        return parsed.exit_code;
      }
      StandardOutput output;
      output.Write(parsed.text);
      return output.ExitCode(contract::kDone);
    }
    return App(*parsed.line, hooks, OpenEvents(*parsed.line)).Run();
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    WriteAll(STDERR_FILENO, ErrorScreen(error.info(), Style{}));
    return contract::kFailed;
  }
}

}  // namespace sluice::cli
