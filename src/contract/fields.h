// One definition of each field that programs read: its name, what docs/CLI_JSON.md says of it, and
// how it is made. The documents are written from it, and so are the tables of the page
// (contract_test.cc), so that neither can have a field that the other lacks.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/json_envelope.h"

namespace sluice::contract {

template <typename T>
struct Field {
  std::string_view name;
  std::string_view meaning;  // Markdown, in one cell of a table
  std::function<Json(const T&)> value;
};
// In the order in which they are written.
template <typename T>
using Fields = std::vector<Field<T>>;

template <typename T>
void AddTo(Json& json, const Fields<T>& fields, const T& from) {
  for (const auto& field : fields) json[std::string(field.name)] = field.value(from);
}

template <typename T>
Json Written(const Fields<T>& fields, const T& from) {
  Json json = Json::object();
  AddTo(json, fields, from);
  return json;
}

template <typename T, typename List>
Json WrittenAll(const Fields<T>& fields, const List& list) {
  Json json = Json::array();
  for (const auto& from : list) json.push_back(Written(fields, from));
  return json;
}

// A table of docs/CLI_JSON.md.
struct FieldTable {
  std::string_view id;  // "sync.stream": stands in the page's marks around it
  std::vector<std::pair<std::string_view, std::string_view>> rows;  // name, meaning
};

template <typename T>
FieldTable TableOf(std::string_view id, const Fields<T>& fields) {
  FieldTable table{.id = id, .rows = {}};
  for (const auto& field : fields) table.rows.emplace_back(field.name, field.meaning);
  return table;
}

// All tables: of documents.cc, record_documents.cc and events.cc.
std::vector<FieldTable> DocumentTables();
std::vector<FieldTable> RecordTables();
std::vector<FieldTable> EventTables();

}  // namespace sluice::contract
