// Connections to service.db: one writes, several read. In WAL readers see the last commit and wait
// for nobody. Any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "sqlite/sqlite.h"

namespace sluice::serve {

class Connections {
 public:
  // Opens, checks and migrates it. Throws what ExplainStore and RequireOurs say.
  explicit Connections(const std::filesystem::path& file);

  // Calls `work(database)` within a transaction that is on disk when this returns; what `work`
  // throws undoes it. Within another one of this thread's it is part of that. Throws kUnavailable
  // (kReasonBusy) when another process held the database for all of our patience.
  template <typename Work>
  auto Write(Work work, sqlite::Durability durability = sqlite::Durability::kMachine) {
    const Turn turn(*this, held_ ? kHeldPatience : kPatience);
    if (turn.within()) return work(*writer_);
    std::optional<sqlite::Transaction> transaction;
    Begin(transaction, durability);
    if constexpr (std::is_void_v<decltype(work(*writer_))>) {
      work(*writer_);
      transaction->Commit();
    } else {
      auto result = work(*writer_);
      transaction->Commit();
      return result;
    }
  }

  // The same for what is not worth waiting for. False: it could not be done now.
  template <typename Work>
  bool WriteIfFree(Work work) {
    const Turn turn(*this, std::chrono::milliseconds(0));
    if (!turn.ours()) return false;
    const Hurry hurry(*writer_, std::chrono::milliseconds(0));
    try {
      sqlite::Transaction transaction(*writer_, sqlite::Durability::kProcess);
      work(*writer_);
      transaction.Commit();
      return true;
    } catch (const base::Error& error) {
      if (!error.info().retryable) throw;
      return false;
    }
  }

  // Whether a write could begin and its disk has room; waits for half a second at most. Throws
  // kUnavailable or kNoSpace.
  void CheckWrite();

  // Calls `work(database)` with what one commit left, however many statements it asks; within a
  // Write of this thread's, with what that has written.
  template <typename Work>
  auto Read(Work work) {
    if (OursNow()) return work(*writer_);
    const Borrowed reader(*this);
    reader.database().Execute("BEGIN");
    const Ended ended(reader.database());
    return work(reader.database());
  }

 private:
  static constexpr std::chrono::milliseconds kPatience{5000};
  // Once one has waited in vain: else calls that each wait for so long would take the threads of
  // those that only read, and of /healthz.
  static constexpr std::chrono::milliseconds kHeldPatience{100};

  // Our own writers, one after another; those that wait do not wait for ever behind one that waits
  // for another process.
  class Turn {
   public:
    // A patience of 0 takes it if it is free. Else throws when the patience is over.
    Turn(Connections& all, std::chrono::milliseconds patience);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
    bool within() const { return within_; }
    bool ours() const { return ours_; }

   private:
    Connections& all_;
    bool within_ = false;  // this thread had it already
    bool ours_ = false;
  };
  // A time within which SQLite waits for other processes, in place of the usual one.
  class Hurry {
   public:
    Hurry(sqlite::Database& database, std::chrono::milliseconds patience);
    Hurry(const Hurry&) = delete;
    Hurry& operator=(const Hurry&) = delete;
    ~Hurry();

   private:
    sqlite::Database& database_;
  };
  bool OursNow();
  void Begin(std::optional<sqlite::Transaction>& transaction, sqlite::Durability durability);

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
  std::mutex turn_mu_;
  std::condition_variable turn_free_;
  std::optional<std::thread::id> turn_;       // guarded by turn_mu_: who writes
  std::unique_ptr<sqlite::Database> writer_;  // of the thread whose turn it is
  std::atomic<bool> held_ = false;            // another process had it when we last asked
  std::mutex read_mu_;
  std::vector<std::unique_ptr<sqlite::Database>> idle_;  // guarded by read_mu_
};

}  // namespace sluice::serve
