// The service's HTTP interface: /api/v1 (openapi.yaml), the page's files, /healthz, /readyz and
// /metrics. It decides who may do what; what is kept, composed and run is decided by the rooms
// beneath.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "serve/compose/rules.h"
#include "serve/http/message.h"
#include "serve/runs/runs.h"
#include "serve/store/data_folder.h"
#include "serve/store/store.h"

namespace sluice::serve {

struct ApiOptions {
  OperatorRules rules;
  std::string vendor;                      // whose service the form says it is; empty: nobody's
  std::vector<std::string> frame_origins;  // pages that may embed the form: "https://acme.com"
  // Where people reach the service, without '/' at its end: "https://sluice.acme.com".
  std::string public_url;
  // Names in a Host header, without port, besides those of this machine: a page elsewhere whose
  // name was made to point here (DNS rebinding) has another one.
  std::vector<std::string> hosts;
  bool any_address = false;  // listens for others, too: a number is taken as a Host
  bool tls = false;
};

// Any thread. REQUIRES: what it is given outlives it.
class Api {
 public:
  Api(ApiOptions options, Store& store, Runs& runs, const DataFolder& data,
      const base::Clock& clock, base::Logger& log);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Throws nothing: what goes wrong is a problem (RFC 9457).
  Reply Handle(const Request& request);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::serve
