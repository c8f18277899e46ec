// A folder on local disk for files on their way, gone with the process that made it, however that
// ends: a lock beside it, which dies with its holder, tells the next process what nobody uses.
#pragma once
#include <filesystem>
#include <string_view>

namespace sluice::destinations {

// What it holds are rows, and `parent` may be a folder that everybody can write: so nobody else can
// enter it, its name cannot be told beforehand, and no link is followed on the way to it.
//
// One thread at a time.
class WorkFolder {
 public:
  // "`parent`/`kind`-0123456789abcdef". Removes what dead processes of this user left there of that
  // kind; makes nothing yet.
  WorkFolder(const std::filesystem::path& parent, std::string_view kind);
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
