#include "serve/store/connections.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/descriptor.h"
#include "serve/base/problem.h"
#include "serve/store/private_file.h"
#include "serve/store/schema.h"

namespace sluice::serve {
namespace {

// As many as requests are answered at one time; a burst opens more for its moment.
constexpr std::size_t kIdleMax = 8;
// A load balancer that asks whether we are ready waits for a second or two.
constexpr std::chrono::milliseconds kCheckPatience{500};
// Below that the next runs' folders and the database's own log may find no room.
constexpr std::uintmax_t kRoomMin = 1U << 20U;

// SQLite would make it with the rights of the umask; WAL and its index get the file's own.
void MakeFile(const std::filesystem::path& file) {
  const base::Descriptor made(open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (made.get() < 0) ThrowErrno("open the database", file, errno);
}

}  // namespace

Connections::Connections(const std::filesystem::path& file) : file_(file) {
  MakeFile(file);
  writer_ = std::make_unique<sqlite::Database>(file, sqlite::Open::kExisting, ExplainStore);
  RequireOurs(*writer_);
  // secure_delete: a secret that was removed is not left in a free page. journal_size_limit: a log
  // that grew during a long read becomes small again.
  writer_->Execute(
      "PRAGMA journal_mode=WAL;PRAGMA foreign_keys=ON;PRAGMA secure_delete=ON;"
      "PRAGMA journal_size_limit=16777216");
  Migrate(*writer_);
}

Connections::Turn::Turn(Connections& all, std::chrono::milliseconds patience) : all_(all) {
  const auto self = std::this_thread::get_id();
  std::unique_lock lock(all_.turn_mu_);
  within_ = all_.turn_ == self;
  if (within_) return;
  ours_ = all_.turn_free_.wait_for(lock, patience, [this] { return !all_.turn_; });
  if (ours_) {
    all_.turn_ = self;
  } else if (patience.count() > 0) {
    throw base::Error(ExplainStore(all_.file_, SQLITE_BUSY, {}));
  }
}

Connections::Turn::~Turn() {
  if (!ours_) return;
  {
    const std::lock_guard lock(all_.turn_mu_);
    all_.turn_.reset();
  }
  all_.turn_free_.notify_one();
}

Connections::Hurry::Hurry(sqlite::Database& database, std::chrono::milliseconds patience)
    : database_(database) {
  database_.Number(("PRAGMA busy_timeout=" + std::to_string(patience.count())).c_str());
}

Connections::Hurry::~Hurry() {
  try {
    database_.Number(("PRAGMA busy_timeout=" + std::to_string(kPatience.count())).c_str());
  } catch (const base::Error&) {
    // It reads no file: there is nothing that could fail but memory.
  }
}

void Connections::Begin(std::optional<sqlite::Transaction>& transaction,
                        sqlite::Durability durability) {
  std::optional<Hurry> hurry;
  if (held_) hurry.emplace(*writer_, kHeldPatience);
  try {
    transaction.emplace(*writer_, durability);
    held_ = false;
  } catch (const base::Error& error) {
    held_ = error.info().reason == kReasonBusy;
    throw;
  }
}

bool Connections::OursNow() {
  const std::lock_guard lock(turn_mu_);
  return turn_ == std::this_thread::get_id();
}

void Connections::CheckWrite() {
  {
    const Turn turn(*this, kCheckPatience);
    const Hurry hurry(*writer_, kCheckPatience);
    const sqlite::Transaction nothing(*writer_, sqlite::Durability::kProcess);
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(file_, unknown);
  if (!unknown && space.available < kRoomMin) {
    throw base::Error(ExplainStore(file_, SQLITE_FULL, {}));
  }
}

Connections::Ended::~Ended() {
  try {
    database_.Execute("ROLLBACK");
  } catch (const base::Error&) {
    // It read alone; what went wrong was told by the read itself.
  }
}

std::unique_ptr<sqlite::Database> Connections::Take() {
  {
    const std::lock_guard lock(read_mu_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  auto database = std::make_unique<sqlite::Database>(file_, sqlite::Open::kExisting, ExplainStore);
  database->Execute("PRAGMA query_only=ON");
  return database;
}

void Connections::Give(std::unique_ptr<sqlite::Database> database) {
  const std::lock_guard lock(read_mu_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(database));
}

}  // namespace sluice::serve
