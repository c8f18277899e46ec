// Which database files this process has open. Two handles of one file in one process lose tables
// that were committed, and nothing else prevents them: DuckDB locks the file with fcntl, and such a
// lock belongs to the whole process. What is worse, closing any descriptor of the file releases it.
#pragma once
#include <sys/types.h>

#include <compare>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::destinations::duckdb {

// Thread-safe. The file counts, not its name: symbolic links and hard links lead to the same one,
// and a file that was put in its place is another one.
class HeldFile {
 public:
  // To be called before anything opens the file, which need not exist yet. Throws kConflict if this
  // process has it open already, saying by which path.
  explicit HeldFile(const std::filesystem::path& file);
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;
  ~HeldFile() { Release(); }

  // Once the file is open, by a descriptor of it: from now on this very file is held, whatever the
  // path led to before. Throws as the constructor does.
  void Opened(int fd);
  // To be called when no descriptor of the file is left, and the file is where it shall be. May be
  // called twice.
  void Release() noexcept;

  struct Key {
    dev_t device = 0;
    ino_t inode = 0;
    std::string name;  // of a file that is about to be made, in the folder of this inode
    friend auto operator<=>(const Key&, const Key&) = default;
  };

 private:
  void TakeLocked(Key key);
  [[noreturn]] void ThrowHeld(const std::string& as) const;

  const std::filesystem::path file_;
  std::optional<Key> key_;
};

}  // namespace sluice::destinations::duckdb
