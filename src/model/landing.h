// What a load would make of the table that stands at the destination. Plain values; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace sluice::model {

struct Landing {
  enum class Table {
    kCreate,   // there is none
    kReplace,  // it is made again in the stream's shape
    kEmpty,    // it stays, and all its rows go
    kKeep,     // it stays, and takes rows
  };
  struct Column {
    std::string name;  // as it is called there
    std::string type;  // as the destination writes it
  };
  Table table = Table::kCreate;
  std::vector<Column> columns;  // that the stream's land in, in its order
  // What would be altered, and what of the stream or the table the other does not have: "column a
  // is new".
  std::vector<std::string> changes;
};

// "create", "replace", "empty", "keep"
constexpr std::string_view ToString(Landing::Table table) {
  switch (table) {
    case Landing::Table::kCreate: return "create";
    case Landing::Table::kReplace: return "replace";
    case Landing::Table::kEmpty: return "empty";
    case Landing::Table::kKeep: return "keep";
  }
  return "keep";
}

}  // namespace sluice::model
