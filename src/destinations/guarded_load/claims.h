// The streams and tables that the open loads of one destination hold: of each, one load at a time.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "model/stream.h"

namespace sluice::destinations::guarded_load {

// Thread-safe.
class Claims {
 public:
  // A destination to which names that `fold` to one are the same is called by its name: "DuckDB".
  Claims() = default;
  Claims(std::string engine, std::function<std::string(std::string_view)> fold)
      : engine_(std::move(engine)), fold_(std::move(fold)) {}
  Claims(const Claims&) = delete;
  Claims& operator=(const Claims&) = delete;

  // Holds its stream and its table until it dies.
  class Claim {
   public:
    Claim(Claims& claims, std::string stream_key, std::string table_key);
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim();

   private:
    Claims& claims_;
    const std::string stream_key_;
    const std::string table_key_;
  };

  // Throws kConflict if another claim holds the stream or the table, kUnsupported if one holds a
  // table with another name that is the same to the destination. REQUIRES: this outlives it.
  std::unique_ptr<Claim> Take(const model::StreamTarget& target);
  // Is nothing held?
  bool empty() const;

 private:
  std::string Folded(const std::string& name) const { return fold_ ? fold_(name) : name; }

  const std::string engine_;
  const std::function<std::string(std::string_view)> fold_;

  mutable std::mutex mu_;                    // guards all below
  std::map<std::string, std::string> held_;  // folded name -> the table's exact one
};

}  // namespace sluice::destinations::guarded_load
