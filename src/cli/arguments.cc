#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "config/problem.h"
#include "config/showable.h"

namespace sluice::cli {
namespace {

const CommandSpec* Find(const CommandSpec& in, std::string_view name) {
  const auto found = std::find_if(in.commands.begin(), in.commands.end(),
                                  [&](const CommandSpec& one) { return one.name == name; });
  return found == in.commands.end() ? nullptr : &*found;
}

class Reader {
 public:
  Reader(const CommandSpec& program, const std::vector<std::string>& words)
      : path_{&program}, words_(words) {}

  Arguments Read() {
    while (at_ < words_.size() && !only_positionals_) Take(words_[at_++]);
    for (; at_ < words_.size(); ++at_) out_.words.push_back(words_[at_]);
    if (help_) out_.words.emplace_back("--help");
    return std::move(out_);
  }

 private:
  const CommandSpec& command() const { return *path_.back(); }

  void Problem(const std::string& text) {
    if (!out_.problem.empty()) out_.problem += '\n';
    out_.problem += text;
  }

  void Take(const std::string& word) {
    if (word == "--") {
      only_positionals_ = true;
      out_.words.push_back(word);
    } else if (word.starts_with("--")) {
      TakeLong(word);
    } else if (word.size() > 1 && word.front() == '-') {
      TakeShort(word);
    } else {
      TakePlain(word);
    }
  }

  // The options of a command and of all above it.
  const OptionSpec* Option(std::string_view name) const {
    for (const CommandSpec* command : path_) {
      for (const OptionSpec& option : command->options) {
        if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
          return &option;
        }
      }
    }
    return nullptr;
  }

  void TakeLong(const std::string& word) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const OptionSpec* option = Option(name);
    if (option == nullptr) return Unknown(name);
    if (option->value.empty()) {
      out_.words.push_back(word);
    } else if (equals != std::string::npos) {
      Give(name, word.substr(equals + 1));
    } else {
      GiveNext(name, name);
    }
  }

  // "-c FILE", "-cFILE", "-qv".
  void TakeShort(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = std::string("-") + word[i];
      const OptionSpec* option = Option(name);
      if (option == nullptr) return Unknown(name);
      if (option->value.empty()) continue;
      const std::string& full = option->names.back();
      const std::string rest = word.substr(i + 1);
      if (i > 1) out_.words.push_back(word.substr(0, i));
      if (rest.empty()) return GiveNext(full, name);
      return Give(full, rest.starts_with('=') ? rest.substr(1) : rest);
    }
    out_.words.push_back(word);
  }

  void Give(const std::string& name, const std::string& value) {
    if (value.empty()) {
      return Problem(fmt::format("{} is empty. Write a value behind it, or leave it out.", name));
    }
    // `init` judges its own answers, and one of them is the ID of a key.
    const bool answer = command().name == "init" && name != "--config";
    const bool address = name == "--config" && value.find("://") != std::string::npos &&
                         value.find('@') != std::string::npos;
    if ((!answer && config::HoldsKeyMaterial(value)) || address) {
      return Problem(fmt::format("{} holds what looks like a secret; it is not shown.", name));
    }
    out_.words.push_back(name + "=" + value);
  }

  // The value is the next word, which may not be an option: it was forgotten then.
  void GiveNext(const std::string& name, const std::string& as_written) {
    if (at_ == words_.size()) {
      return Problem(fmt::format("{} needs a value behind it.", as_written));
    }
    const std::string& next = words_[at_];
    const std::string next_name = next.substr(0, next.find('='));
    if (next.size() > 1 && next.front() == '-' && next != "-") {
      const bool known = Option(next_name) != nullptr;
      Problem(
          fmt::format("{} needs a value; {} follows it. A value that begins with '-' is written "
                      "{}=VALUE.",
                      as_written, known ? next_name : "another option", name));
      if (!known) ++at_;
      return;
    }
    ++at_;
    Give(name, next);
  }

  void TakePlain(const std::string& word) {
    if (path_.size() == 1 && word == "version") {
      out_.words.emplace_back("--version");
      return;
    }
    // `sluice help sync` is `sluice sync --help`.
    if (path_.size() == 1 && word == "help") {
      help_ = true;
      return;
    }
    if (const CommandSpec* inner = Find(command(), word)) {
      path_.push_back(inner);
      out_.words.push_back(word);
      return;
    }
    if (command().commands.empty()) {
      if (command().positionals.empty()) {
        return Problem(fmt::format("sluice {} takes no argument.", command().name));
      }
      if (word.empty()) return Problem("An argument is empty.");
      if (config::HoldsKeyMaterial(word)) {
        return Problem("An argument looks like a key or a token; it is not shown.");
      }
      out_.words.push_back(word);
      return;
    }
    if (told_command_) return;
    told_command_ = true;
    std::vector<std::string_view> known;
    for (const CommandSpec& one : command().commands) known.push_back(one.name);
    const auto near = config::Nearest(word, known);
    const bool program = path_.size() == 1;
    Problem(near.empty()
                ? fmt::format("There is no such command{}. Commands: {}.",
                              program ? "" : " under " + command().name, config::OneOf(known))
                : fmt::format("There is no command {}. Did you mean sluice {}{}?", word,
                              program ? "" : command().name + " ", near));
  }

  void Unknown(const std::string& name) {
    SkipValueOfUnknown();
    if (told_command_) return;  // its options are not known either
    // Its value stood in the list of processes, and in the shell's history.
    if (name == "--secret-access-key" || name == "--session-token" || name == "--password" ||
        name == "--secret-key" || name == "--secret") {
      return Problem(fmt::format(
          "{} does not exist, because others can see the arguments of a program. Use "
          "--secret-access-key-file PATH or --secret-store environment, and make a new key if it "
          "was seen.",
          name));
    }
    std::vector<std::string_view> known;
    for (const CommandSpec* command : path_) {
      for (const OptionSpec& option : command->options) {
        for (const auto& one : option.names) {
          if (one.starts_with("--") && !option.description.empty()) known.push_back(one);
        }
      }
    }
    const auto near = config::Nearest(name, known);
    const std::string where = path_.size() == 1 ? "sluice" : "sluice " + Path();
    Problem(near.empty() ? fmt::format("{} has no such option. Options: {} --help", where, where)
                         : fmt::format("There is no option {}. Did you mean {}?", name, near));
  }

  // It may be a secret, and is no command.
  void SkipValueOfUnknown() {
    if (at_ < words_.size() && !words_[at_].starts_with('-') &&
        Find(command(), words_[at_]) == nullptr) {
      ++at_;
    }
  }

  std::string Path() const {
    std::string path;
    for (std::size_t i = 1; i < path_.size(); ++i) path += (i > 1 ? " " : "") + path_[i]->name;
    return path;
  }

  std::vector<const CommandSpec*> path_;  // the program, its command, that one's
  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  bool only_positionals_ = false;
  bool told_command_ = false;
  bool help_ = false;
  Arguments out_;
};

}  // namespace

Arguments PutRight(const CommandSpec& program, const std::vector<std::string>& words) {
  return Reader(program, words).Read();
}

}  // namespace sluice::cli
