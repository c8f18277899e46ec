#include "cli/app.h"

#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/grammar.h"
#include "cli/init_command.h"
#include "cli/process.h"
#include "cli/records.h"
#include "cli/screens.h"
#include "cli/setup_command.h"
#include "cli/signals.h"
#include "cli/stderr_log.h"
#include "config/schema.h"
#include "connection/host_rules.h"
#include "contract/documents.h"
#include "contract/exit_code.h"

namespace sluice::cli {
namespace {

std::optional<std::string> FromEnvironment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// POSIX: the first of these that is set decides.
bool SpeaksUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = FromEnvironment(name);
    if (!value || value->empty()) continue;
    return value->find("UTF-8") != std::string::npos || value->find("utf8") != std::string::npos ||
           value->find("UTF8") != std::string::npos;
  }
  return false;
}

Style StyleOf(int fd, const CommandLine& line) {
  const bool person = IsTerminal(fd) && FromEnvironment("TERM").value_or("") != "dumb";
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

class App {
 public:
  App(const CommandLine& line, const Hooks& hooks)
      : line_(line),
        hooks_(hooks),
        out_style_(StyleOf(STDOUT_FILENO, line)),
        log_style_(StyleOf(STDERR_FILENO, line)),
        screen_([](std::string_view text) { WriteAll(STDERR_FILENO, base::Guarded(text)); },
                SizeFunction(line)),
        log_(screen_, clock_, log_style_, LeastLevel(line)),
        signals_([this] { OnFirstSignal(); }, [this] { OnSecondSignal(); }) {}

  int Run() { return standard_output_.ExitCode(RunCommand()); }

 private:
  int RunCommand() {
    if (line_.list_findings) {
      out_(contract::FindingKindsJson());
      return contract::kDone;
    }
    if (line_.command == Command::kConfigSchema) {
      out_(config::JsonSchema());
      return contract::kDone;
    }
    if (line_.command == Command::kCompletion || line_.command == Command::kMan) return Describe();
    try {
      RequireOpenFiles();
      if (line_.command != Command::kInit) return RunConfigured(line_.command);
      const auto result = RunInit(MakeContext());
      return result.check ? RunConfigured(Command::kCheck) : result.exit_code;
    } catch (...) {
      return Fail(base::AsError(std::current_exception()).info());
    }
  }

  static std::function<TerminalSize()> SizeFunction(const CommandLine& line) {
    const bool person = IsTerminal(STDERR_FILENO) &&
                        FromEnvironment("TERM").value_or("dumb") != "dumb" && !line.quiet;
    if (!person) return nullptr;
    return [] { return SizeOf(STDERR_FILENO); };
  }

  int Describe() {
    const CommandSpec program = DescribeGrammar();
    if (line_.command == Command::kMan) {
      out_(ManualPage(program, SLUICE_VERSION));
    } else {
      out_(line_.shell == "bash"  ? BashCompletion(program)
           : line_.shell == "zsh" ? ZshCompletion(program)
                                  : FishCompletion(program));
    }
    return contract::kDone;
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
            .hooks = hooks_,
            .on_staging_root = [this](std::string text) { staging_root_.Set(std::move(text)); }};
  }

  int RunConfigured(Command command) {
    const auto loaded = config::Load(line_.config, environment_, connection::EndpointRules());
    if (!loaded.problems.empty()) {
      if (line_.json) {
        out_(contract::ProblemsJson(CommandName(command), line_.config, loaded.problems));
      } else {
        WriteAll(STDERR_FILENO,
                 base::Guarded(ProblemsScreen(line_.config, loaded.problems, log_style_)));
      }
      return contract::kBadUse;
    }
    const config::Config& config = loaded.config;
    if (command == Command::kSync) {
      for (const auto& warning : config.warnings) {
        log_.Warning("a secret " + warning.problem,
                     {{"field", warning.field}, {"remedy", warning.remedy}});
      }
    }
    const Context context = MakeContext();
    switch (command) {
      case Command::kCheck: return RunCheck(context, config);
      case Command::kDiscover: return RunDiscover(context, config);
      case Command::kSync: return RunSync(context, config);
      case Command::kSetup: return RunSetup(context, config);
      case Command::kStatus: return RunStatus(context, config);
      case Command::kHistory: return RunHistory(context, config);
      case Command::kClean: return RunClean(context, config);
      case Command::kReset: return RunReset(context, config);
      case Command::kConfigValidate:
        out_(line_.json ? contract::ValidJson(config) : ValidScreen(config, out_style_));
        return contract::kDone;
      case Command::kConfigSchema:
      case Command::kInit:
      case Command::kCompletion:
      case Command::kMan: break;
    }
    return contract::kDone;
  }

  // What an administrator pipes into a file is to be run: it stays as it is.
  void WriteResult(std::string_view text) {
    const bool piped = !line_.setup.part.empty() && !line_.json && !IsTerminal(STDOUT_FILENO);
    standard_output_.Write(piped ? std::string(text) : base::Guarded(text));
  }

  int Fail(const base::ErrorInfo& error) {
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
    screen_.PrintLine(log_style_.Yellow("Stopping") +
                      ": what runs is cancelled and cleaned up. Once more stops at once.");
  }

  // Writes by itself: whoever holds the screen may hang.
  void OnSecondSignal() {
    const std::string root = staging_root_.Get();
    std::string text = "\nStopped at once.";
    if (!root.empty()) {
      text += " Files may be left in the bucket beneath\n  " + root +
              "\nThe next sync loads or removes them.";
    }
    WriteAll(STDERR_FILENO, text + "\n");
  }

  const CommandLine& line_;
  const Hooks& hooks_;
  const config::Environment environment_ = FromEnvironment;
  const base::SystemClock clock_;
  const Style out_style_;
  const Style log_style_;
  StandardOutput standard_output_;
  const Sink out_ = [this](std::string_view text) { WriteResult(text); };
  Screen screen_;
  StderrLog log_;
  StagingRoot staging_root_;
  StopSignals signals_;  // last: its thread uses those above
};

}  // namespace

int Main(int argc, char** argv, const Hooks& hooks) {
  PrepareProcess();
  try {
    const Parsed parsed = ParseCommandLine({argv + 1, argv + argc}, FromEnvironment);
    if (!parsed.line) {
      if (parsed.exit_code != contract::kDone) {
        WriteAll(STDERR_FILENO, parsed.text);
        return parsed.exit_code;
      }
      StandardOutput output;
      output.Write(parsed.text);
      return output.ExitCode(contract::kDone);
    }
    return App(*parsed.line, hooks).Run();
  } catch (...) {
    const base::Error error = base::AsError(std::current_exception());
    WriteAll(STDERR_FILENO, ErrorScreen(error.info(), Style{}));
    return contract::kFailed;
  }
}

}  // namespace sluice::cli
