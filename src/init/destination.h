// The destination as one answer: a file, "postgresql://user@host:port/database",
// "s3://bucket/folder", or a folder with a '/' at its end. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/rules.h"
#include "config/yaml_tree.h"

namespace sluice::init {

struct DestinationField {
  std::string key;
  std::string value;
  bool plain = false;  // a number
};
using DestinationFields = std::vector<DestinationField>;  // "type" comes first

// The fields of the `destination` group that the answer stands for. Broken never repeats the
// answer: an address may hold a password, which is refused.
std::variant<DestinationFields, config::Broken> ParseDestination(std::string_view answer);

// The answer that an existing group stands for; empty if it stands for none.
std::string DestinationOf(const config::Node& group);

// All fields that one answer may bring: those of another type go when the type changes.
const std::vector<std::string_view>& DestinationKeys();

}  // namespace sluice::init
