// The columns of a run's tables. One statement tells of all tables of a schema that the run will
// read, as each statement is billed and 200 tables would need 200.
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "redshift/catalog.h"
#include "redshift/session.h"

namespace sluice::sync {

// Thread-safe; one thread at a time asks. REQUIRES: `clock` outlives it.
class RunCatalog {
 public:
  RunCatalog(const std::vector<model::Stream>& streams, std::string database,
             const base::Clock& clock);

  // As redshift::DescribeStream. What was asked for in common is at most kFreshFor old, and is told
  // once: who asks again for a stream, after a failure, gets what is true now.
  std::vector<model::Column> Describe(redshift::Session& session, const model::Stream& stream,
                                      const base::Call& call);
  // What the catalog said of a table in answer to another question, now.
  void Know(redshift::TableDescription description);

 private:
  struct Schema {
    std::vector<std::string> tables;  // of the run
    std::optional<base::SteadyTime> asked;
    std::map<std::string, redshift::TableDescription> told;  // not yet handed out
  };
  // REQUIRES: mu_ is held.
  std::map<std::string, redshift::TableDescription> Ask(redshift::Session& session,
                                                        const std::string& schema,
                                                        const std::vector<std::string>& tables,
                                                        const base::Call& call);

  const std::string database_;
  const base::Clock& clock_;
  std::mutex mu_;
  std::map<std::string, Schema> schemas_;  // guarded by mu_
  // svv_all_columns is: each table's empty select tells instead, without asking again for nothing.
  std::atomic<bool> denied_ = false;
};

// A column that is dropped in the meantime fails the UNLOAD, which is then tried again.
inline constexpr std::chrono::seconds kFreshFor{60};

}  // namespace sluice::sync
