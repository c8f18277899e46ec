#include "serve/store/backup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/descriptor.h"
#include "base/error.h"
#include "serve/store/private_file.h"
#include "serve/store/schema.h"
#include "sqlite/sqlite.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBackUp = "back up";

// A file of no name that anybody knows, which goes again unless it is kept.
class Draft {
 public:
  explicit Draft(const fs::path& beside) : path_(beside.string() + ".XXXXXX") {
    const base::Descriptor made(mkstemp(path_.data()));  // mode 0600
    if (made.get() < 0) ThrowErrno(kBackUp, beside, errno);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (!kept_) unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void Keep(const fs::path& as) {
    Flush(path_, O_RDONLY);
    if (rename(path_.c_str(), as.c_str()) != 0) ThrowErrno(kBackUp, as, errno);
    kept_ = true;
    Flush(as.has_parent_path() ? as.parent_path() : fs::path("."), O_RDONLY | O_DIRECTORY);
  }

 private:
  static void Flush(const fs::path& path, int flags) {
    const base::Descriptor opened(open(path.c_str(), flags | O_CLOEXEC));
    if (opened.get() < 0 || fsync(opened.get()) != 0) ThrowErrno(kBackUp, path, errno);
  }

  std::string path_;
  bool kept_ = false;
};

// SQLite writes the copy itself, and tells the trouble of that disk as that of its own.
void Copy(const fs::path& from, const std::string& to) {
  sqlite::Database database(from, sqlite::Open::kExisting, ExplainStore);
  RequireOurs(database);
  try {
    sqlite::Statement copy(database, "VACUUM INTO ?");
    copy.Bind(to).Step();
  } catch (const base::Error& error) {
    if (error.code() == base::ErrorCode::kNoSpace) ThrowErrno(kBackUp, to, ENOSPC);
    throw;
  }
}

}  // namespace

std::int64_t BackUp(const DataFolder& data, const fs::path& to) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(to, ignored))) {
    throw base::Error({.code = base::ErrorCode::kConflict,
                       .operation = std::string(kBackUp),
                       .subject = to.string(),
                       .message = "there is such a file; it is not replaced",
                       .remedy = "Name a new one, such as --to service-$(date +%F).db"});
  }
  Draft draft(to);
  Copy(data.database(), draft.path());
  draft.Keep(to);
  return static_cast<std::int64_t>(fs::file_size(to));
}

}  // namespace sluice::serve
