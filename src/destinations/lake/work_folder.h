// A folder on local disk for files on their way, gone with the process that made it, however that
// ends: a lock beside it, which dies with its holder, tells the next process what nobody uses.
#pragma once
#include <filesystem>

namespace sluice::destinations {

// One thread at a time.
class WorkFolder {
 public:
  // Beneath `parent`. Removes what dead processes left there; makes nothing yet.
  explicit WorkFolder(const std::filesystem::path& parent);
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() { Remove(); }

  const std::filesystem::path& path() const { return path_; }
  // Makes it unless it is there. Throws kNoSpace, kPermission.
  void Make();
  void Remove() noexcept;

 private:
  const std::filesystem::path path_;
  const std::filesystem::path lock_path_;
  int lock_ = -1;
};

}  // namespace sluice::destinations
