// The schemas, tables and views of a DuckDB file, by name.
#pragma once
#include <map>
#include <set>
#include <string>

#include "columnar/database.h"
#include "model/stream.h"

namespace sluice::destinations::duckdb {

// Read once and kept up by those who make things: nobody else can write the file while we hold it,
// and each question to DuckDB's own catalog costs 4 to 14 ms among 200 tables, more than the rows
// of a small one. One thread at a time.
class FileCatalog {
 public:
  static FileCatalog Read(columnar::Connection& connection, const std::string& subject);

  // Throws kUnsupported if there is one whose name differs by case alone.
  bool HasSchema(const std::string& schema) const;
  void AddSchema(const std::string& schema);
  // Throws kUnsupported if there is a table or view whose name differs by case alone, or a view of
  // that very name: it is somebody's, and is not replaced.
  bool HasTable(const model::TableName& table) const;
  void AddTable(const model::TableName& table);

 private:
  struct Relation {
    std::string name;
    bool is_view = false;
  };
  std::map<std::string, std::string> schemas_;  // folded name -> exact name
  // Exact name of the schema -> folded name -> what stands there.
  std::map<std::string, std::map<std::string, Relation>> relations_;
};

}  // namespace sluice::destinations::duckdb
