// Completion scripts: one table of words for each command, in each shell's own language.
#include <fmt/format.h>

#include "cli/grammar.h"

namespace sluice::cli {
namespace {

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// For single quotes of a POSIX shell.
std::string Quoted(const std::string& text) { return "'" + Replaced(text, "'", "'\\''") + "'"; }

std::string Joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text;
}

struct Path {
  std::string words;  // "config validate"; empty: the program itself
  const CommandSpec* command;
};

void Collect(const CommandSpec& command, const std::string& words, std::vector<Path>& paths) {
  paths.push_back({words, &command});
  for (const auto& sub : command.commands) {
    Collect(sub, words.empty() ? sub.name : words + " " + sub.name, paths);
  }
}

std::vector<Path> PathsOf(const CommandSpec& program) {
  std::vector<Path> paths;
  Collect(program, "", paths);
  return paths;
}

// -- bash ---------------------------------------------------------------------------------------

std::string BashWords(const CommandSpec& command, const CommandSpec& program) {
  std::vector<std::string> words;
  for (const auto& sub : command.commands) words.push_back(sub.name);
  for (const auto& positional : command.positionals) {
    words.insert(words.end(), positional.choices.begin(), positional.choices.end());
  }
  const auto add = [&](const CommandSpec& from) {
    for (const auto& option : from.options) words.push_back(option.names.back());
  };
  add(command);
  // The program's own options may stand behind the command, too.
  if (&command != &program) {
    for (const auto& option : program.options) {
      if (option.names.back() != "--help" && option.names.back() != "--version") {
        words.push_back(option.names.back());
      }
    }
  }
  return Joined(words, " ");
}

std::string BashValue(const OptionSpec& option) {
  if (!option.choices.empty()) {
    return fmt::format("COMPREPLY=($(compgen -W {} -- \"$current\"))",
                       Quoted(Joined(option.choices, " ")));
  }
  return option.IsFile() ? "COMPREPLY=($(compgen -f -- \"$current\"))" : "COMPREPLY=()";
}

// -- zsh ----------------------------------------------------------------------------------------

std::string ZshText(std::string text) {
  for (const std::string_view special : {"\\", "[", "]", ":"}) {
    text = Replaced(std::move(text), special, "\\" + std::string(special));
  }
  return text;
}

std::string ZshAction(const OptionSpec& option) {
  if (!option.choices.empty()) return "(" + Joined(option.choices, " ") + ")";
  return option.IsFile() ? "_files" : "";
}

std::string ZshOptions(const CommandSpec& command) {
  std::string text;
  for (const auto& option : command.options) {
    for (const auto& name : option.names) {
      std::string spec = fmt::format("{}[{}]", name, ZshText(option.description));
      if (!option.value.empty()) {
        spec += fmt::format(":{}:{}", ZshText(option.value), ZshAction(option));
      }
      text += " \\\n      " + Quoted(spec);
    }
  }
  return text;
}

std::string ZshCommands(const CommandSpec& command) {
  std::string list;
  for (const auto& sub : command.commands) {
    list += fmt::format(" {}", Quoted(fmt::format("{}:{}", sub.name, sub.description)));
  }
  return list;
}

std::string ZshFunction(const Path& path, const CommandSpec& program) {
  const CommandSpec& command = *path.command;
  std::string name = "_sluice";
  if (!path.words.empty()) name += "_" + Replaced(path.words, " ", "_");
  std::string text = fmt::format("{}() {{\n", name);
  std::string specs = ZshOptions(command);
  if (&command != &program) specs += ZshOptions(program);
  if (command.commands.empty()) {
    for (const auto& positional : command.positionals) {
      specs += " \\\n      " + Quoted(fmt::format("*:{}:{}", ZshText(positional.names.front()),
                                                  ZshAction(positional)));
    }
    return text + "  _arguments -s" + specs + "\n}\n\n";
  }
  text += "  local state\n  local -a line\n  _arguments -s -C" + specs +
          " \\\n      '1: :->command' '*:: :->rest'\n  case $state in\n    command)\n"
          "      local -a commands=(" +
          ZshCommands(command) +
          ")\n      _describe command commands\n      ;;\n    rest)\n      case $words[1] in\n";
  for (const auto& sub : command.commands) {
    text += fmt::format("        {}) {}_{} ;;\n", sub.name, name, sub.name);
  }
  return text + "      esac\n      ;;\n  esac\n}\n\n";
}

// -- fish ---------------------------------------------------------------------------------------

std::string FishQuoted(std::string text) {
  text = Replaced(std::move(text), "\\", "\\\\");
  return "'" + Replaced(std::move(text), "'", "\\'") + "'";
}

std::string FishOption(const OptionSpec& option, const std::string& when) {
  std::string text = "complete -c sluice" + when;
  for (const auto& name : option.names) {
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) {
    text += " -x -a " + FishQuoted(Joined(option.choices, " "));
  } else if (!option.value.empty()) {
    text += option.IsFile() ? " -r -F" : " -x";
  }
  return text + " -d " + FishQuoted(option.description) + "\n";
}

std::string FishCondition(const Path& path) {
  if (path.words.empty()) return "";
  std::string condition;
  for (std::size_t at = 0; at < path.words.size();) {
    const auto end = std::min(path.words.find(' ', at), path.words.size());
    condition += (condition.empty() ? "" : "; and ") +
                 fmt::format("__fish_seen_subcommand_from {}", path.words.substr(at, end - at));
    at = end + 1;
  }
  return condition;
}

std::string FishCommand(const Path& path) {
  const CommandSpec& command = *path.command;
  const std::string condition = FishCondition(path);
  const std::string when = condition.empty() ? "" : " -n " + FishQuoted(condition);
  std::string text;
  for (const auto& option : command.options) text += FishOption(option, when);
  std::vector<std::string> names;
  for (const auto& sub : command.commands) names.push_back(sub.name);
  const std::string none =
      condition.empty() ? "__fish_use_subcommand"
                        : condition + "; and not __fish_seen_subcommand_from " + Joined(names, " ");
  for (const auto& sub : command.commands) {
    text += fmt::format("complete -c sluice -n {} -a {} -d {}\n", FishQuoted(none), sub.name,
                        FishQuoted(sub.description));
  }
  for (const auto& positional : command.positionals) {
    if (positional.choices.empty()) continue;
    text += fmt::format("complete -c sluice{} -a {}\n", when,
                        FishQuoted(Joined(positional.choices, " ")));
  }
  return text;
}

}  // namespace

std::string BashCompletion(const CommandSpec& program) {
  std::string steps;
  std::string values;
  std::string words;
  std::vector<std::string> with_value;
  for (const auto& [path, command] : PathsOf(program)) {
    if (!path.empty()) {
      const auto space = path.rfind(' ');
      const std::string parent = space == std::string::npos ? "" : path.substr(0, space);
      steps += fmt::format("      {}) command={} ;;\n", Quoted(parent + "/" + command->name),
                           Quoted(path));
    }
    for (const auto& option : command->options) {
      if (option.value.empty()) continue;
      std::vector<std::string> patterns;
      for (const auto& name : option.names) {
        // The program's own options mean the same everywhere.
        patterns.push_back(path.empty() ? "*:" + name : Quoted(path) + ":" + name);
        with_value.push_back(name);
      }
      values += fmt::format("    {}) {}; return ;;\n", Joined(patterns, "|"), BashValue(option));
    }
    words +=
        fmt::format("    {}) words={} ;;\n", Quoted(path), Quoted(BashWords(*command, program)));
  }
  return fmt::format(
      R"(# bash completion for sluice; load it with:  source <(sluice completion bash)
_sluice() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command='' words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {}) ((i++)); continue ;;
    esac
    case "$command/${{COMP_WORDS[i]}}" in
{}    esac
  done
  case "$command:$previous" in
{}  esac
  case $command in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _sluice sluice
)",
      Joined(with_value, "|"), steps, values, words);
}

std::string ZshCompletion(const CommandSpec& program) {
  std::string text =
      "#compdef sluice\n# zsh completion for sluice; load it with:  source <(sluice completion "
      "zsh)\n\n";
  for (const auto& path : PathsOf(program)) text += ZshFunction(path, program);
  // Sourced it registers itself; found on $fpath it is called as the function.
  return text +
         "if [ \"$funcstack[1]\" = _sluice ]; then\n  _sluice \"$@\"\nelse\n  compdef _sluice "
         "sluice\nfi\n";
}

std::string FishCompletion(const CommandSpec& program) {
  std::string text =
      "# fish completion for sluice; load it with:  sluice completion fish | source\n"
      "complete -c sluice -f\n";
  for (const auto& path : PathsOf(program)) text += FishCommand(path);
  return text;
}

}  // namespace sluice::cli
