// A destination in memory: what was committed, per stream, and scripted failures.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "destinations/destination.h"

namespace sluice::test {

class FakeDestination final : public destinations::Destination {
 public:
  struct Table {
    std::uint64_t rows = 0;
    model::Watermark watermark;
    model::StreamTarget target;         // of the last commit
    std::optional<std::uint64_t> keys;  // told by AddKeys in it
    bool forgotten = false;             // rows alone
  };
  // ("begin" | "examine" | "add" | "add_staged" | "add_keys" | "commit" | "read", stream): may
  // throw base::Error.
  std::function<void(const std::string& step, const std::string& stream)> before;
  // Thrown by Commit after the commit has happened.
  bool commit_in_doubt = false;
  // What TakesStaged answers, beside the capability.
  bool takes_staged = false;
  // Rows that Add claims to have lost.
  std::uint64_t lose_rows = 0;

  std::map<std::string, Table> tables() const {
    const std::lock_guard lock(mu_);
    return tables_;
  }
  void Restore(std::map<std::string, Table> tables) {
    const std::lock_guard lock(mu_);
    tables_ = std::move(tables);
  }

  destinations::Capabilities capabilities = {
      .overwrite = true, .append = true, .merge = true, .parallel_loads = true};
  destinations::Capabilities Describe() const override { return capabilities; }
  std::string Name() const override { return "memory"; }
  std::optional<destinations::Committed> ReadCommitted(std::string_view stream,
                                                       const base::Call&) override {
    Before("read", std::string(stream));
    const std::lock_guard lock(mu_);
    const auto it = tables_.find(std::string(stream));
    if (it == tables_.end() || it->second.forgotten) return std::nullopt;
    return destinations::Committed{it->second.watermark, {.inserted = it->second.rows}};
  }
  void Forget(std::string_view stream, const base::Call&) override {
    const std::lock_guard lock(mu_);
    const auto it = tables_.find(std::string(stream));
    if (it != tables_.end()) it->second.forgotten = true;
  }
  bool TakesStaged(const model::StreamTarget&, const base::Call&) override { return takes_staged; }
  std::unique_ptr<destinations::Load> Begin(const model::StreamTarget& target,
                                            const base::Call&) override {
    Before("begin", target.stream);
    return std::make_unique<FakeLoad>(*this, target);
  }
  model::Landing Examine(const model::StreamTarget& target, const base::Call&) override {
    Before("examine", target.stream);
    model::Landing landing;
    for (const auto& column : target.columns) {
      landing.columns.push_back({column.name, model::ToString(column.type)});
    }
    return landing;
  }
  void Probe(const base::Call&) override {}
  void Close() override {}

 private:
  class FakeLoad final : public destinations::Load {
   public:
    FakeLoad(FakeDestination& home, model::StreamTarget target)
        : home_(home), stream_(target.stream), target_(std::move(target)) {}
    destinations::LoadedRows AddStaged(std::span<const model::Part> parts,
                                       const base::Call&) override {
      home_.Before("add_staged", stream_);
      destinations::LoadedRows rows;
      for (const auto& part : parts) {
        rows.footer_rows += part.rows;
        rows.bytes += part.bytes;
      }
      rows.loaded_rows = rows.footer_rows - home_.lose_rows;
      rows_ += rows.loaded_rows;
      return rows;
    }
    destinations::LoadedRows AddKeys(std::span<const model::LocalPart> parts,
                                     const base::Call&) override {
      home_.Before("add_keys", stream_);
      destinations::LoadedRows rows;
      for (const auto& part : parts) rows.footer_rows += part.part.rows;
      rows.loaded_rows = rows.footer_rows;
      keys_ = keys_.value_or(0) + rows.loaded_rows;
      return rows;
    }
    destinations::LoadedRows Add(std::span<const model::LocalPart> parts,
                                 const base::Call& call) override {
      home_.Before("add", stream_);
      if (call.stop.stop_requested()) base::ThrowCancelled("load", stream_);
      destinations::LoadedRows rows;
      for (const auto& part : parts) {
        if (std::filesystem::file_size(part.file) != part.part.bytes) {
          throw base::Error({.code = base::ErrorCode::kCorrupt, .operation = "load"});
        }
        rows.footer_rows += part.part.rows;
      }
      rows.loaded_rows = rows.footer_rows - home_.lose_rows;
      rows_ += rows.loaded_rows;
      return rows;
    }
    model::Counts Commit(const model::Watermark& watermark, const model::Proof&,
                         const base::Call&) override {
      home_.Before("commit", stream_);
      {
        const std::lock_guard lock(home_.mu_);
        home_.tables_[stream_] = {rows_, watermark, target_, keys_};
      }
      if (home_.commit_in_doubt) {
        throw base::Error(
            {.code = base::ErrorCode::kDestination, .operation = "commit", .in_doubt = true});
      }
      return {.inserted = rows_};
    }

   private:
    FakeDestination& home_;
    const std::string stream_;
    const model::StreamTarget target_;
    std::uint64_t rows_ = 0;
    std::optional<std::uint64_t> keys_;
  };
  void Before(const std::string& step, const std::string& stream) const {
    if (before) before(step, stream);
  }

  mutable std::mutex mu_;
  std::map<std::string, Table> tables_;
};

}  // namespace sluice::test
