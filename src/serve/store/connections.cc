#include "serve/store/connections.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"
#include "serve/store/private_file.h"
#include "serve/store/schema.h"

namespace sluice::serve {
namespace {

// As many as requests are answered at one time; a burst opens more for its moment.
constexpr std::size_t kIdleMax = 8;

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
