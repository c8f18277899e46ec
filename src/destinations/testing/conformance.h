// The suite that every destination passes, fakes included. A destination's test gives a Harness and
// instantiates it:
//   INSTANTIATE_TEST_SUITE_P(DuckDb, Conformance, ::testing::Values(&MakeDuckDbHarness));
//   INSTANTIATE_TEST_SUITE_P(DuckDb, Merging, ::testing::Values(&MakeDuckDbHarness));
//   INSTANTIATE_TEST_SUITE_P(DuckDb, History, ::testing::Values(&MakeDuckDbHarness));
//   INSTANTIATE_TEST_SUITE_P(DuckDb, SchemaChanges, ::testing::Values(&MakeDuckDbHarness));
// and links the room destinations/testing whole, as duckdb/CMakeLists.txt does.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "destinations/destination.h"
#include "model/part.h"
#include "model/stream.h"

namespace sluice::destinations {

// Keeps what is told of changed columns, and nothing else.
class NoteLog final : public base::Logger {
 public:
  void Write(base::LogLevel, std::string_view,
             std::initializer_list<base::LogField> fields) override {
    const std::lock_guard lock(mu_);
    for (const base::LogField& field : fields) {
      if (field.name == "change") notes_.push_back(field.value);
    }
  }
  // Since it was asked last.
  std::vector<std::string> Take() {
    const std::lock_guard lock(mu_);
    return std::exchange(notes_, {});
  }

 private:
  std::mutex mu_;
  std::vector<std::string> notes_;
};

// What the suite needs to know of one destination. Made once per test, and once more in a child
// process for what kills or starves one.
class Harness {
 public:
  virtual ~Harness() = default;
  // Opens the destination of this test; the same one each time.
  virtual std::unique_ptr<Destination> Open() = 0;
  // A Parquet part in the test's folder that holds what `select` (DuckDB's SQL) returns.
  virtual model::LocalPart MakePart(const std::string& name, const std::string& select) = 0;
  // The table as a reader sees it now, beside open loads: one text per row, its columns joined by
  // '|', NULL as "NULL", numbers as DuckDB writes them ("1.5", "nan", "-0.0"), sorted. nullopt: no
  // such table. Thread-safe.
  virtual std::optional<std::vector<std::string>> Read(Destination& destination,
                                                       const model::TableName& table) = 0;
  // The table's column names, in order.
  virtual std::vector<std::string> ColumnNames(Destination& destination,
                                               const model::TableName& table) = 0;
  // Schemas that are the engine's own.
  virtual std::vector<std::string> EngineSchemas() const { return {}; }
  // Kinds of things that can have a table's name and are none ("view"), as its errors call them;
  // Squat makes one. REQUIRES: the schema exists, and `destination` has begun no load.
  virtual std::vector<std::string> Squatters() const { return {}; }
  virtual void Squat(Destination& /*destination*/, const std::string& /*kind*/,
                     const model::TableName& /*table*/) {}
  // Names that differ by case alone are the same to it.
  virtual bool IgnoresCase() const = 0;
  // It is a file that one process holds at a time, on a disk that can fill up.
  virtual bool IsLocalFile() const = 0;

  // What Open's destinations log to.
  NoteLog log;
};

// `folder` is the test's own, the same in the test and in its child process.
using MakeHarness = std::unique_ptr<Harness> (*)(const std::filesystem::path& folder);

// In a death test's child: the process that started it.
inline constexpr const char* kHolderVariable = "SLUICE_CONFORMANCE_HOLDER";

class Conformance : public ::testing::TestWithParam<MakeHarness> {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Is this the child that a death test started? It shares the folder, not the preparations.
  bool InChild() const { return in_child_; }
  // Opens, loads `parts` as one attempt, commits, closes.
  void LoadAll(const model::StreamTarget& target, const std::vector<model::LocalPart>& parts,
               const std::string& attempt);
  model::LocalPart Numbers(const std::string& name, int first, int last);
  std::optional<std::vector<std::string>> ReadClosed(const model::TableName& table);

  std::filesystem::path folder_;
  std::unique_ptr<Harness> harness_;

 private:
  bool in_child_ = false;
};

// For destinations that merge.
class Merging : public Conformance {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Columns n (bigint, the key), t (text), c (bigint, the cursor), d (bool).
  static model::StreamTarget MergeTarget(bool complete = false);
  // `rows`: "(1, 'a', 1, false), ..."; none: no part.
  std::vector<model::LocalPart> Rows(const std::string& rows);
  std::vector<model::LocalPart> Keys(const std::string& keys);  // "(1), (2)"
  // One load of an attempt of its own; each of `keys` is one AddKeys.
  model::Counts Bring(const model::StreamTarget& target, const std::vector<model::LocalPart>& parts,
                      const std::vector<std::vector<model::LocalPart>>& keys = {});
  model::Counts Bring(const model::StreamTarget& target, const std::string& rows);
  std::optional<std::vector<std::string>> There();
  std::string ExpectOneVersion(const std::map<std::string, std::string>& versions);

  std::unique_ptr<Destination> destination_;

 private:
  int parts_ = 0;
  int attempts_ = 0;
};

// For destinations that keep history.
class History : public Merging {
 protected:
  // As MergeTarget, but `c` is a timestamp; read at noon of that day of January 2026.
  static model::StreamTarget VersionsOf(int day, bool complete = false);
  // "(1, 'a', 3, false)": on January 3rd.
  std::vector<model::LocalPart> At(const std::string& rows);
  model::Counts Keep(const model::StreamTarget& target, const std::string& rows);
  std::vector<std::string> Versions();

 private:
  int parts_ = 0;
};

// What the source's columns become when they change.
class SchemaChanges : public Conformance {
 protected:
  void SetUp() override;
  void TearDown() override;

  // One load of one part.
  void Bring(model::StreamTarget target, const std::string& select);
  // The same, in place of whatever is there.
  void StartAnew(const model::StreamTarget& target, const std::string& select);

  std::unique_ptr<Destination> destination_;

 private:
  int parts_ = 0;
};

}  // namespace sluice::destinations

namespace sluice::model {

// For failures; here, so that every test sees the same one.
inline void PrintTo(const Counts& counts, std::ostream* out) {
  *out << fmt::format(
      "inserted {}, updated {}, unchanged {}, deleted {} (absent {}), skipped {} (duplicates {})",
      counts.inserted, counts.updated, counts.unchanged, counts.deleted, counts.deleted_absent,
      counts.skipped, counts.duplicates);
}

}  // namespace sluice::model
