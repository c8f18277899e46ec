// How a command tells its options to the parser, without knowing it: CLI11 is a heavy header, and
// command_line.cc alone includes it.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sluice::cli {

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& Value(const std::string& name);  // what the help calls its value: "NUMBER"
  Option& OneOf(std::vector<std::string> choices);
  Option& Range(int low, int high);
  Option& Required();
  Option& OneEach();  // takes one value; may be given again for more
  Option& Excludes(const Option& other);
  Option& Hidden();  // from help and completion

 private:
  CLI::Option* option_;
};

// REQUIRES: what options are bound to outlives the parsing.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(app) {}

  // `names`: "-n,--runs"; "STREAM" for an argument without a name.
  Option Switch(const std::string& names, bool& target, const std::string& description);
  Option Add(const std::string& names, std::string& target, const std::string& description);
  Option Add(const std::string& names, int& target, const std::string& description);
  Option Add(const std::string& names, std::vector<std::string>& target,
             const std::string& description);
  Option Call(const std::string& names, std::function<void(const std::string&)> take,
              const std::string& description);
  Option CallWithAll(const std::string& names,
                     std::function<void(const std::vector<std::string>&)> take,
                     const std::string& description);
  // --events, for commands that take long.
  void AddEvents(std::string& target);

 private:
  CLI::App& app_;
};

}  // namespace sluice::cli
