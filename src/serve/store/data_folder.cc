#include "serve/store/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

#include "base/error.h"
#include "serve/base/ids.h"
#include "serve/store/private_file.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

// An id comes from the store, or was checked: a text of somebody else's never becomes a path.
std::string_view Checked(std::string_view id, std::string_view prefix) {
  if (!IsId(id, prefix)) throw std::logic_error("no id: part of a path");
  return id;
}

int OpenLock(const fs::path& file) {
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) ThrowErrno("lock the data folder", file, errno);
  KeepOwner(file.parent_path(), fd, "lock the data folder");
  return fd;
}

}  // namespace

void DataFolder::Make() const {
  constexpr std::string_view kOperation = "make the data folder";
  MakePrivateFolder(root_, kOperation);
  struct stat status {};
  if (stat(root_.c_str(), &status) != 0) ThrowErrno(kOperation, root_, errno);
  if (status.st_uid != geteuid()) {
    throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                       .operation = std::string(kOperation),
                       .subject = root_.string(),
                       .message = "it belongs to another user",
                       .remedy = "Start as that user, or name another folder: --data DIR"});
  }
  if (chmod(root_.c_str(), 0700) != 0) ThrowErrno(kOperation, root_, errno);
  for (const char* name : {"files", "tenants", "runs"}) {
    MakePrivateFolder(root_ / name, kOperation);
  }
}

fs::path DataFolder::files(std::string_view tenant) const {
  return root_ / "files" / Checked(tenant, kTenantId);
}

fs::path DataFolder::pipeline(std::string_view tenant, std::string_view id) const {
  return root_ / "tenants" / Checked(tenant, kTenantId) / "pipelines" / Checked(id, kPipelineId);
}

fs::path DataFolder::tests(std::string_view tenant) const {
  return root_ / "tenants" / Checked(tenant, kTenantId) / "tests";
}

fs::path DataFolder::run(std::string_view id) const { return root_ / "runs" / Checked(id, kRunId); }

KeyLock::KeyLock(const DataFolder& data) : file_(OpenLock(data.root() / "key.lock")) {
  while (flock(file_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) ThrowErrno("lock the key", data.root() / "key.lock", errno);
  }
}

DataLock::DataLock(const DataFolder& data) : file_(OpenLock(data.root() / "serve.lock")) {
  if (flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) ThrowErrno("lock the data folder", data.root() / "serve.lock", errno);
  throw base::Error({.code = base::ErrorCode::kConflict,
                     .operation = "lock the data folder",
                     .subject = data.root().string(),
                     .message = "another sluice serve uses it",
                     .remedy = "Stop that one first, or name another folder: --data DIR",
                     .reason = "data_in_use"});
}

}  // namespace sluice::serve
