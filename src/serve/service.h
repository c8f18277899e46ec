// `sluice serve`: the rooms of the service put together, from its folder of data to its port.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/environment.h"
#include "base/log.h"
#include "base/secret.h"
#include "serve/base/access.h"

namespace sluice::serve {

struct ServiceOptions {
  std::string listen = "127.0.0.1:8765";  // "HOST:PORT", "[::1]:8765"; port 0: any
  std::filesystem::path data = "sluice-data";
  std::filesystem::path key_file;  // empty: in the data
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  // "https://sluice.acme.com": how people reach it behind a proxy, in links and as a Host.
  std::string public_url;
  std::string vendor;                      // whose service the form says it is
  std::vector<std::string> frame_origins;  // origins whose pages may embed the form
  std::vector<std::string> allow_paths;
  std::vector<std::string> allow_hosts;
  std::vector<std::string> allow_endpoints;
  bool aws_environment = false;
  // PEM file of authorities, instead of the system's: for AWS, workgroups, destinations, alerts.
  std::filesystem::path ca_bundle;
  int parallel_runs = 4;
  int run_memory_mb = 400;
  int run_disk_mb = 2048;
};

// Of one thread, but for what its rooms do with their own.
class Service {
 public:
  // Opens the data (made if it is not there) and the port. Throws base::Error kInvalidConfig if an
  // option is wrong, and what DataFolder, DataLock, LoadKeyring, Store::Open and Server throw.
  // REQUIRES: clock and log outlive it.
  Service(const ServiceOptions& options, base::Environment environment, const base::Clock& clock,
          base::Logger& log);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // "http://127.0.0.1:8765"
  const std::string& url() const;
  // A link that signs an administrator in, once in the life of the data: when there is no token.
  std::optional<base::Secret> first_link() const;
  // Not empty: a key was made there, which must be kept apart from the data.
  const std::filesystem::path& made_key() const;

  // Adopts what runs and answers. Once.
  void Begin();
  // Lets answers end; syncs go on, and the next Begin takes them up.
  void End();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// `sluice serve token`: a new one, of a service that runs or not. `tenant`: name or id. Throws what
// Store throws; kInvalidConfig if the scope needs a tenant, or may have none.
struct TokenRequest {
  std::string name;
  std::string scope;
  std::string tenant;  // empty: of all
  int days = 0;        // 0: until it is deleted
};
base::Secret MakeToken(const ServiceOptions& options, const base::Environment& environment,
                       const base::Clock& clock, const TokenRequest& request);

// `sluice serve rotate-key`: a new key, and every secret sealed with it (store/rotate.h),
// whether the service runs or not. Throws kConflict while it runs if its key is SLUICE_KEY.
// Returns how many values were sealed again, and the new key's
// id.
struct KeyRotated {
  std::int64_t values = 0;
  std::string key_id;
};
KeyRotated RotateServiceKey(const ServiceOptions& options, const base::Environment& environment,
                            const base::Clock& clock);

// `sluice serve backup`: a copy of the state, whether the service runs or not (store/backup.h).
// Returns its bytes.
std::int64_t BackUpService(const ServiceOptions& options, const std::filesystem::path& to);

// `sluice serve export` and `sluice serve import`, of a tenant by name or id, whether the service
// runs or not: between it and files that `sluice sync` reads (compose/exchange.h). Throws what
// these throw; kNotFound if there is no such tenant.
struct ExchangeRequest {
  std::string tenant;
  std::filesystem::path folder;    // export: gets a file for each pipeline
  bool with_secrets = false;       // export: `.env`, too
  std::vector<std::string> files;  // import
};
// Names of the files that were written.
std::vector<std::string> ExportFiles(const ServiceOptions& options,
                                     const base::Environment& environment, const base::Clock& clock,
                                     const ExchangeRequest& request);
// Makes the tenant if there is none of that name. All files are read before the first is kept.
// Returns the pipelines' ids.
std::vector<std::string> ImportFiles(const ServiceOptions& options,
                                     const base::Environment& environment, const base::Clock& clock,
                                     const ExchangeRequest& request);

}  // namespace sluice::serve
