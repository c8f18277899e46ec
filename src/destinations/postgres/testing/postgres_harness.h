// What the tests of this room share: a database of their own in the test server, and the harness of
// the conformance suite over it.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "destinations/postgres/postgres_destination.h"
#include "destinations/testing/conformance.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_logger.h"
#include "tests/support/postgres_server.h"

namespace sluice::destinations::postgres {

// A part made by DuckDB.
model::LocalPart WritePart(const std::filesystem::path& folder, const std::string& name,
                           const std::string& select);

class PostgresHarness final : public Harness {
 public:
  // `small_load_bytes`: 0: every load goes over several connections.
  explicit PostgresHarness(std::filesystem::path folder, std::uint64_t small_load_bytes = 16 << 20);
  ~PostgresHarness() override;

  PostgresOptions Options() const;
  // As the superuser; one text per row, its columns joined by '|'.
  std::vector<std::string> Query(const std::string& sql) const;
  const std::string& database() const { return database_; }

  std::unique_ptr<Destination> Open() override;
  model::LocalPart MakePart(const std::string& name, const std::string& select) override;
  std::optional<std::vector<std::string>> Read(Destination& destination,
                                               const model::TableName& table) override;
  std::vector<std::string> ColumnNames(Destination& destination,
                                       const model::TableName& table) override;
  std::vector<std::string> EngineSchemas() const override {
    return {"pg_catalog", "information_schema", "pg_toast", "pg_mine"};
  }
  std::vector<std::string> Squatters() const override;
  void Squat(Destination& destination, const std::string& kind,
             const model::TableName& table) override;
  bool IgnoresCase() const override { return false; }
  bool IsLocalFile() const override { return false; }

 private:
  const std::filesystem::path folder_;
  const std::string database_;
  const std::uint64_t small_load_bytes_;
  test::FakeClock clock_;
};

}  // namespace sluice::destinations::postgres
