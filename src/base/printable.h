// Text from outside -> text that cannot shape what a person sees. Names of tables and columns,
// messages of a server, names of files and keys of a bucket may hold anything: escape sequences
// that move the cursor, line ends that begin a line of ours, controls that turn the reading
// direction round, signs without width that make two names look alike. Each becomes visible:
// \u202e, as JSON writes it. All that reaches a screen or the log goes through here. Pure; any
// thread.
#pragma once
#include <string>
#include <string_view>

namespace sluice::base {

// Of several lines: line ends and tabs stay.
std::string Printable(std::string_view text);
// In one line: line ends and tabs are visible, too.
std::string PrintableLine(std::string_view text);
// A remedy: its lines stay, but a line end inside "double quotes" is a name's.
std::string PrintableRemedy(std::string_view text);
// What was composed already: as Printable, but for the sequences that the program itself writes,
// for colours and for its block of progress lines. The last look before the terminal.
std::string Guarded(std::string_view text);

}  // namespace sluice::base
