// The ledger on local disk, which others may write to: a file of any bytes, and rows of any text,
// are read or refused with an error.
#include <sqlite3.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "sync/ledger/ledger.h"

namespace {

using sluice::sync::Ledger;

const std::filesystem::path& Folder() {
  static const std::filesystem::path folder = [] {
    std::filesystem::path made = "/dev/shm/sluice_fuzz_" + std::to_string(getpid());
    std::filesystem::create_directories(made);
    return made;
  }();
  return folder;
}

// A ledger with one attempt, whose texts become `text`.
void Overwrite(const std::filesystem::path& file, const std::string& text) {
  sqlite3* db = nullptr;
  if (sqlite3_open(file.c_str(), &db) == SQLITE_OK) {
    for (const char* sql : {"UPDATE attempt SET state = ?1", "UPDATE attempt SET began = ?1",
                            "UPDATE attempt SET prefix = ?1", "UPDATE unload SET notice_rows = ?1",
                            "UPDATE attempt SET adopted = ?1"}) {
      sqlite3_stmt* statement = nullptr;
      if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) continue;
      sqlite3_bind_text(statement, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
      sqlite3_step(statement);
      sqlite3_finalize(statement);
    }
  }
  sqlite3_close(db);
}

template <typename Use>
void Harmless(Use use) {
  try {
    use();
  } catch (const sluice::base::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::filesystem::path file = Folder() / "ledger.db";
  std::filesystem::remove(file);
  const std::string text(reinterpret_cast<const char*>(data), size);
  const sluice::base::SystemClock clock;
  if (size % 2 == 0) {
    std::ofstream(file, std::ios::binary) << text;
  } else {
    Ledger ledger(file, clock);
    ledger.BeginRun("r1");
    ledger.AddAttempt({.run = "r1", .stream = "a", .attempt = "x", .prefix = "p/"});
  }
  if (size % 2 == 1) Overwrite(file, text);
  Harmless([&] {
    Ledger ledger(file, clock);
    Harmless([&] { ledger.DeadAttempts("r2"); });
    Harmless([&] { ledger.DeadRuns("r2"); });
    Harmless([&] { ledger.StateOf("x"); });
  });
  return 0;
}
