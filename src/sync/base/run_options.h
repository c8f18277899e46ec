// What a run is asked to do, and where; the front doors fill it in from the configuration.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::sync {

struct RunOptions {
  std::string connection;  // `name` of the configuration: part of the prefix
  std::string database;    // the one logged in to
  std::string bucket;
  std::string bucket_region;
  std::string root;                    // "sluice/": ends in '/', not empty
  std::optional<std::string> kms_key;  // as redshift::UnloadOptions
  std::optional<std::string> destination_schema;
  std::filesystem::path work_dir;  // parts on local disk; made, and emptied at the end
  std::filesystem::path ledger;    // SQLite file
  std::chrono::seconds history_keep = std::chrono::hours(90 * 24);  // as HistoryBounds::age
  int streams_parallel = 4;
  int part_mb_max = 64;
  std::uint64_t disk_bytes_max = 2ULL << 30;  // parts on local disk at one time, all streams
  std::uint64_t range_bytes = 8ULL << 20;     // one ranged GET
  std::chrono::seconds unload_timeout{3000};  // below the life of the keys in its text
  bool full = false;                          // read everything, whatever was read before
  bool allow_deletes = false;                 // however many rows are gone
  std::optional<double> rpu_price;            // of one RPU for an hour, in any currency
  bool ask_usage = true;                      // the workgroup, for its size and what it charged
};

}  // namespace sluice::sync
