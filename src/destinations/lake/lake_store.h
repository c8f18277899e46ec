// The lake destination and what its loads share; OpenLake (lake_destination.h) makes it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/database.h"
#include "destinations/guarded_load/claims.h"
#include "destinations/lake/lake_destination.h"
#include "destinations/lake/lake_files.h"
#include "destinations/lake/lake_table.h"
#include "destinations/work_folder.h"

namespace sluice::destinations::lake {

class LakeStore final : public Destination {
 public:
  LakeStore(LakeOptions options, const base::Clock& clock, base::Logger& log);
  LakeStore(const LakeStore&) = delete;
  LakeStore& operator=(const LakeStore&) = delete;

  Capabilities Describe() const override;
  std::string Name() const override;
  std::optional<Committed> ReadCommitted(std::string_view stream, const base::Call& call) override;
  bool TakesStaged(const model::StreamTarget& target, const base::Call& call) override;
  void Forget(std::string_view stream, const base::Call& call) override;
  std::unique_ptr<Load> Begin(const model::StreamTarget& target, const base::Call& call) override;
  model::Landing Examine(const model::StreamTarget& target, const base::Call& call) override;
  void Probe(const base::Call& call) override;
  void Close() override;

 private:
  friend class LakeLoad;

  LakeFiles& files() { return *files_; }
  // A connection to DuckDB in memory, which is started when it is first needed.
  columnar::Connection Connect();
  // Rows of long values come: DuckDB takes them by one thread, and keeps nothing that it let go of.
  void OnWideRows();
  // Where a stream's commits are; nullopt: nowhere yet.
  std::optional<model::TableName> TableOf(std::string_view stream, const base::Call& call);
  void ForgetWhatWasSeen(std::string_view stream);
  // What a load wrote and did not commit: Close removes it, and then the record of it.
  void Abandon(std::vector<std::string> names, std::string record);
  void CheckTarget(const model::StreamTarget& target) const;

  const LakeOptions options_;
  const base::Clock& clock_;
  base::Logger& log_;
  guarded_load::Claims claims_;
  WorkFolder work_;                   // made, under mu_, when it is first needed
  std::unique_ptr<LakeFiles> files_;  // set once, by the constructor

  std::mutex mu_;  // guards all below
  std::optional<columnar::Database> database_;
  std::vector<std::string> abandoned_;
  std::vector<std::string> abandoned_records_;
  // Per stream, what ReadCommitted saw last, until a load of it begins: the version of the table
  // that the load will have been planned on.
  std::map<std::string, std::pair<model::TableName, std::uint64_t>, std::less<>> seen_;
};

}  // namespace sluice::destinations::lake
