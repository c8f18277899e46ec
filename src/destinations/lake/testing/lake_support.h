// What the lake's tests share: a lake in a folder or in buckets on disk, parts for it, and a reader
// that takes rows from the commit file alone. For tests of this room.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/database.h"
#include "columnar/sql_text.h"
#include "destinations/lake/lake_destination.h"
#include "destinations/lake/lake_files.h"
#include "destinations/lake/lake_table.h"
#include "model/part.h"
#include "tests/support/folder_object_store.h"

namespace sluice::destinations::lake {

// A part made by DuckDB; what only pyarrow can write is tested in columnar.
inline model::LocalPart WritePart(const std::filesystem::path& folder, const std::string& name,
                                  const std::string& select, const std::string& options = "") {
  const std::filesystem::path file = folder / (name + ".parquet");
  columnar::Database database = columnar::Database::Open({.threads = 1});
  const auto result =
      database.Connect().Run(fmt::format("COPY ({}) TO {} (FORMAT parquet{})", select,
                                         columnar::QuoteText(file.string()), options),
                             {}, {"test", "a part"});
  return {{.key = name, .bytes = std::filesystem::file_size(file), .rows = result.rows_changed},
          file};
}

// The rows of the newest version, one text each, sorted; nullopt: no such table. `path_of` tells
// where on this disk a file of the lake lies.
template <typename PathOf>
std::optional<std::vector<std::string>> ReadLake(LakeFiles& files, const model::TableName& name,
                                                 PathOf path_of) {
  const LakeTable table(files, name);
  const auto commit = table.Newest({});
  if (!commit) return std::nullopt;
  std::vector<std::string> rows;
  columnar::Database database = columnar::Database::Open({.threads = 1});
  columnar::Connection connection = database.Connect();
  for (const LakeFile& file : commit->files) {
    const std::string source = fmt::format(
        "read_parquet({}, hive_partitioning = false)",
        columnar::QuoteText(columnar::EscapeGlob(path_of(table.PathOf(file.path)).string())));
    const auto has = connection.Run(
        fmt::format("SELECT column_name FROM (DESCRIBE SELECT * FROM {})", source), {}, {});
    std::string list;
    for (const LakeColumn& column : commit->columns) {
      const bool there = std::any_of(has.rows.begin(), has.rows.end(),
                                     [&](const auto& row) { return row[0] == column.name; });
      list += fmt::format("{}CAST(CAST({} AS {}) AS VARCHAR)", list.empty() ? "" : ", ",
                          there ? columnar::QuoteName(column.name) : "NULL", column.type);
    }
    for (const auto& row :
         connection.Run(fmt::format("SELECT {} FROM {}", list, source), {}, {}).rows) {
      std::string text;
      for (std::size_t i = 0; i < row.size(); ++i) {
        text += (i > 0 ? "|" : "") + row[i].value_or("NULL");
      }
      rows.push_back(std::move(text));
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace sluice::destinations::lake
