// The manual page in the man macros of groff_man(7).
#include <fmt/format.h>

#include "cli/grammar.h"

namespace sluice::cli {
namespace {

// Nothing in `text` is taken for a request or an escape.
std::string Roff(std::string_view text) {
  std::string escaped;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) escaped += "\\&";
    line_start = c == '\n';
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string ManualOption(const OptionSpec& option) {
  std::string head;
  for (const auto& name : option.names) {
    head += (head.empty() ? "" : ", ") + fmt::format("\\fB{}\\fR", Roff(name));
  }
  if (!option.value.empty()) head += fmt::format(" \\fI{}\\fR", Roff(option.value));
  std::string text = ".TP\n" + head + "\n" + Roff(option.description) + "\n";
  if (!option.choices.empty()) {
    std::string list;
    for (const auto& choice : option.choices) list += (list.empty() ? "" : ", ") + choice;
    text += fmt::format("One of {}.\n", Roff(list));
  }
  return text;
}

std::string FooterLines(const std::string& footer) {
  return footer.empty() ? "" : ".PP\n.nf\n" + Roff(footer) + "\n.fi\n";
}

std::string ManualCommand(const CommandSpec& command, const std::string& path) {
  std::string synopsis = fmt::format("\\fBsluice {}\\fR", Roff(path));
  if (!command.options.empty()) synopsis += " [\\fIOPTION\\fR...]";
  for (const auto& positional : command.positionals) {
    synopsis += fmt::format(" [\\fI{}\\fR]", Roff(positional.names.front()));
  }
  std::string text = ".SS " + synopsis + "\n" + Roff(command.description) + ".\n";
  for (const auto& option : command.options) {
    if (option.names.back() != "--help") text += ManualOption(option);
  }
  text += FooterLines(command.footer);
  for (const auto& sub : command.commands) text += ManualCommand(sub, path + " " + sub.name);
  return text;
}

}  // namespace

std::string ManualPage(const CommandSpec& program, const std::string& version) {
  std::string text = fmt::format(
      ".TH SLUICE 1 \"\" \"sluice {}\" \"User Commands\"\n.SH NAME\nsluice \\- bring tables from "
      "Amazon Redshift Serverless to you\n.SH SYNOPSIS\n\\fBsluice\\fR [\\fIOPTION\\fR...] "
      "\\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n.SH DESCRIPTION\n{}\n.SH OPTIONS\n",
      Roff(version), Roff(program.description));
  for (const auto& option : program.options) text += ManualOption(option);
  text += ".SH COMMANDS\n";
  for (const auto& command : program.commands) text += ManualCommand(command, command.name);
  return text + ".SH NOTES\n" + FooterLines(program.footer) +
         ".SH FILES\n.TP\n\\fIsluice.yaml\\fR\nThe configuration; \\fBsluice config schema\\fR "
         "tells every field.\n";
}

}  // namespace sluice::cli
