// One whole load into PostgreSQL, of the Parquet files of a folder: what bench/postgres.py times.
//   postgres_load FOLDER HOST PORT DATABASE USER SCHEMA TABLE CONNECTIONS [PRIMARY_KEY]
// Columns and types are those of the first file. Without a key it overwrites, with one it merges.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "columnar/footer.h"
#include "destinations/postgres/postgres_destination.h"

namespace {

using namespace sluice;
namespace fs = std::filesystem;

class Silent final : public base::Logger {
 public:
  void Write(base::LogLevel, std::string_view, std::initializer_list<base::LogField>) override {}
};

model::Type TypeOf(const std::string& engine_type) {
  using K = model::TypeKind;
  model::Type decimal{.kind = K::kDecimal};
  if (std::sscanf(engine_type.c_str(), "DECIMAL(%d,%d)", &decimal.precision, &decimal.scale) == 2) {
    return decimal;
  }
  if (engine_type == "BOOLEAN") return {K::kBool};
  if (engine_type == "SMALLINT") return {K::kInt16};
  if (engine_type == "INTEGER") return {K::kInt32};
  if (engine_type == "BIGINT") return {K::kInt64};
  if (engine_type == "FLOAT") return {K::kFloat32};
  if (engine_type == "DOUBLE") return {K::kFloat64};
  if (engine_type == "DATE") return {K::kDate};
  if (engine_type.starts_with("TIMESTAMP")) return {K::kTimestamp};
  return {K::kVarchar};
}

std::vector<model::LocalPart> PartsIn(const fs::path& folder) {
  std::vector<model::LocalPart> parts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".parquet") continue;
    parts.push_back(
        {{.key = entry.path().filename().string(), .bytes = fs::file_size(entry.path())},
         entry.path()});
  }
  std::sort(parts.begin(), parts.end(),
            [](const auto& a, const auto& b) { return a.part.key < b.part.key; });
  return parts;
}

int Load(char** argv, const char* key) {
  const base::SystemClock clock;
  Silent log;
  const std::vector<model::LocalPart> parts = PartsIn(argv[1]);
  model::StreamTarget target{.stream = "bench", .table = {argv[6], argv[7]}};
  {
    columnar::Database database = columnar::Database::Open({.threads = 1});
    columnar::Connection connection = database.Connect();
    const columnar::Footer footer = columnar::ReadFooter(connection, parts.at(0), {});
    for (const auto& column : footer.columns) {
      target.columns.push_back({column.name, TypeOf(column.engine_type)});
    }
  }
  if (key != nullptr) {
    target.write_mode = model::WriteMode::kMerge;
    target.primary_key = {key};
    target.complete = false;
  }
  const auto destination = destinations::postgres::OpenPostgres({.host = argv[2],
                                                                 .port = std::stoi(argv[3]),
                                                                 .database = argv[4],
                                                                 .user = argv[5],
                                                                 .sslmode = "disable",
                                                                 .connections = std::stoi(argv[8]),
                                                                 .work_dir = argv[1]},
                                                                clock, log);
  auto load = destination->Begin(target, {});
  destinations::LoadedRows sum;
  for (const model::LocalPart& part : parts) {
    const destinations::LoadedRows rows = load->Add({&part, 1}, {});
    sum.footer_rows += rows.footer_rows;
    sum.loaded_rows += rows.loaded_rows;
  }
  const model::Proof proof{.manifest_rows = sum.footer_rows,
                           .footer_rows = sum.footer_rows,
                           .loaded_rows = sum.loaded_rows};
  const std::string attempt = std::to_string(clock.Utc().time_since_epoch().count());
  load->Commit({.run = "bench", .attempt = attempt}, proof, {});
  load.reset();
  destination->Close();
  fmt::print("{}\n", sum.loaded_rows);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9 && argc != 10) return 2;
  try {
    return Load(argv, argc == 10 ? argv[9] : nullptr);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
