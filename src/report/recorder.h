// What a workgroup and AWS answered to each statement and call, written down for those who make the
// program: the first report of a workgroup that behaves unlike others must be enough to fix it.
// Without names, values and keys (masking.h); names only where the user allows them.
#pragma once
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/watched_transport.h"
#include "redshift/session_watch.h"
#include "report/masking.h"

namespace sluice::report {

// Thread-safe. REQUIRES: `clock` outlives it.
class Recorder final : public redshift::SessionWatch {
 public:
  Recorder(const base::Clock& clock, Names names)
      : clock_(clock), names_(names), began_(clock.Utc()) {}

  void OnStatementEnded(const redshift::StatementSeen& seen) override;
  void OnParameter(std::string_view name, std::string_view value) override;
  void OnExchange(const http::Exchange& exchange);

  // {"statements": [...], "calls": [...], "server": {...}}; each in the order of its end.
  nlohmann::ordered_json Written() const;

 private:
  using Json = nlohmann::ordered_json;
  Json Failure(const redshift::StatementSeen& seen) const;
  double MillisecondsSinceBegan(base::UtcTime time) const;

  const base::Clock& clock_;
  const Names names_;
  const base::UtcTime began_;
  mutable std::mutex mu_;
  // Guarded by mu_.
  Json statements_ = Json::array();
  Json calls_ = Json::array();
  Json server_ = Json::object();
};

}  // namespace sluice::report
