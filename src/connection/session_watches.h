// Several watches of a session, told as one. For connection.cc.
#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include "redshift/session_watch.h"

namespace sluice::connection {

// Thread-safe as they are. REQUIRES: all outlive it; null is none.
class SessionWatches final : public redshift::SessionWatch {
 public:
  explicit SessionWatches(std::vector<redshift::SessionWatch*> all) : all_(std::move(all)) {
    std::erase(all_, nullptr);
  }
  void OnStatementBegan() override {
    for (auto* one : all_) one->OnStatementBegan();
  }
  void OnStatementEnded(const redshift::StatementSeen& seen) override {
    for (auto* one : all_) one->OnStatementEnded(seen);
  }
  void OnTransaction(bool open) override {
    for (auto* one : all_) one->OnTransaction(open);
  }
  void OnParameter(std::string_view name, std::string_view value) override {
    for (auto* one : all_) one->OnParameter(name, value);
  }

 private:
  std::vector<redshift::SessionWatch*> all_;
};

}  // namespace sluice::connection
