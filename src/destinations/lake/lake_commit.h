// A commit file: one version of a table, whole. docs/LAKE.md promises its form. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/part.h"
#include "model/stream.h"
#include "model/types.h"

namespace sluice::destinations::lake {

struct LakeColumn {
  std::string name;
  std::string type;         // as DuckDB writes it
  std::string source_type;  // as Redshift does
  friend bool operator==(const LakeColumn&, const LakeColumn&) = default;
};

struct LakeFile {
  std::string path;  // below the table's folder: "data/..."
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t added_in = 0;  // version
  bool copied = false;         // inside S3, as Redshift wrote it
  friend bool operator==(const LakeFile&, const LakeFile&) = default;
};

struct LakeCommit {
  struct Previous {
    std::uint64_t version = 0;
    std::string run;
    std::string attempt;
    friend bool operator==(const Previous&, const Previous&) = default;
  };
  enum class Operation { kOverwrite, kAppend, kForget };

  std::uint64_t version = 0;
  std::optional<Previous> previous;
  Operation operation = Operation::kOverwrite;
  base::UtcTime time;
  model::TableName table;
  std::string stream;
  std::string run;  // who committed, as `attempt`
  std::string attempt;
  bool forgotten = false;      // there is no watermark, not even one without a value
  model::Watermark watermark;  // its stream, run and attempt are those above
  model::Counts counts;
  model::Proof proof;
  std::vector<LakeColumn> columns;
  // The stream's, by which what has just gone is known; nullopt: a commit of earlier versions.
  std::optional<std::vector<std::string>> stream_columns;
  std::vector<LakeFile> files;

  std::uint64_t rows() const;
  std::uint64_t bytes() const;
};

std::string FormatCommit(const LakeCommit& commit);

// Throws kCorrupt for a text that is cut, changed, or no commit file, kUnsupported for one of a
// later format; `subject` names the file.
LakeCommit ParseCommit(std::string_view text, const std::string& subject);

// Which table a stream lands in: the file StreamPath names. Throws as ParseCommit.
std::string FormatStream(std::string_view stream, const model::TableName& table);
model::TableName ParseStream(std::string_view text, std::string_view stream,
                             const std::string& subject);

// "2026-01-01T00:00:00.000000Z".
std::string FormatTime(base::UtcTime time);

}  // namespace sluice::destinations::lake
