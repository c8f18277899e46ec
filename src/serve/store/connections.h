// Connections to service.db: one writes, several read. In WAL readers see the last commit and wait
// for nobody. Any thread.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sqlite/sqlite.h"

namespace sluice::serve {

class Connections {
 public:
  // Opens, checks and migrates it. Throws what ExplainStore and RequireOurs say.
  explicit Connections(const std::filesystem::path& file);

  // Calls `work(database)` within a transaction that is on disk when this returns; what `work`
  // throws undoes it.
  template <typename Work>
  auto Write(Work work, sqlite::Durability durability = sqlite::Durability::kMachine) {
    const std::lock_guard lock(write_mu_);
    sqlite::Transaction transaction(*writer_, durability);
    if constexpr (std::is_void_v<decltype(work(*writer_))>) {
      work(*writer_);
      transaction.Commit();
    } else {
      auto result = work(*writer_);
      transaction.Commit();
      return result;
    }
  }

  // Calls `work(database)` with what one commit left, however many statements it asks.
  template <typename Work>
  auto Read(Work work) {
    const Borrowed reader(*this);
    reader.database().Execute("BEGIN");
    const Ended ended(reader.database());
    return work(reader.database());
  }

 private:
  class Borrowed {
   public:
    explicit Borrowed(Connections& all) : all_(all), database_(all.Take()) {}
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    ~Borrowed() { all_.Give(std::move(database_)); }
    sqlite::Database& database() const { return *database_; }

   private:
    Connections& all_;
    std::unique_ptr<sqlite::Database> database_;
  };
  class Ended {
   public:
    explicit Ended(sqlite::Database& database) : database_(database) {}
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    ~Ended();

   private:
    sqlite::Database& database_;
  };

  std::unique_ptr<sqlite::Database> Take();
  void Give(std::unique_ptr<sqlite::Database> database);

  const std::filesystem::path file_;
  std::mutex write_mu_;
  std::unique_ptr<sqlite::Database> writer_;  // guarded by write_mu_
  std::mutex read_mu_;
  std::vector<std::unique_ptr<sqlite::Database>> idle_;  // guarded by read_mu_
};

}  // namespace sluice::serve
