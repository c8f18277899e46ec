// What every JSON document of the program begins with. For the files that write them.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/printable.h"

namespace sluice::contract {

// Keeps the order of the contract.
using Json = nlohmann::ordered_json;

inline Json Envelope(std::string_view command, int exit_code) {
  return {{"sluice", SLUICE_VERSION}, {"command", command}, {"exit_code", exit_code}};
}

// Names from outside may not be UTF-8; they are replaced rather than lost with the whole document.
// What would shape a screen is escaped, which is the same value in JSON.
inline std::string Dump(const Json& json) {
  return base::Printable(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

// The same without line ends.
inline std::string OneLine(const Json& json) {
  return base::Printable(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace sluice::contract
