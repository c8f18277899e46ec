#include "serve/service.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "serve/api/api.h"
#include "serve/compose/rules.h"
#include "serve/http/server.h"
#include "serve/runs/runs.h"
#include "serve/service_data.h"
#include "serve/store/backup.h"
#include "serve/store/data_folder.h"
#include "serve/store/keyring.h"
#include "serve/store/rotate.h"
#include "serve/store/store.h"

namespace sluice::serve {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

[[noreturn]] void Refuse(std::string_view option, std::string message, std::string remedy) {
  throw base::Error({.code = ErrorCode::kInvalidConfig,
                     .operation = "serve",
                     .subject = std::string(option),
                     .message = std::move(message),
                     .remedy = std::move(remedy)});
}

struct Listen {
  std::string host;
  std::uint16_t port = 0;
};

Listen ParseListen(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string::npos
          ? std::nullopt
          : base::ParseNumber<std::uint16_t>(std::string_view(text).substr(colon + 1));
  std::string host = text.substr(0, std::min(colon, text.size()));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!port || host.empty()) {
    Refuse("--listen", "it is no address with a port", "Write such as --listen 127.0.0.1:8765.");
  }
  return {std::move(host), *port};
}

bool IsOwnMachine(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// "https://sluice.acme.com" -> its host; throws if it is no origin.
std::string HostOfOrigin(std::string_view option, std::string_view url) {
  const auto rest = url.starts_with("https://")  ? url.substr(8)
                    : url.starts_with("http://") ? url.substr(7)
                                                 : std::string_view();
  const bool plain = !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= '0' && c <= '9') || (base::Lower(c) >= 'a' && base::Lower(c) <= 'z') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (!plain) {
    Refuse(option, "it is no address of a site",
           "Write scheme and name alone, such as https://sluice.example.com, without a path.");
  }
  if (rest.starts_with('[')) return std::string(rest.substr(1, rest.find(']') - 1));
  return base::Lower(rest.substr(0, rest.find(':')));
}

OperatorRules RulesOf(const ServiceOptions& options) {
  OperatorRules rules{.allow_hosts = options.allow_hosts,
                      .allow_endpoints = options.allow_endpoints,
                      .aws_environment = options.aws_environment,
                      .memory_mb_max = options.run_memory_mb,
                      .disk_mb_max = options.run_disk_mb};
  for (const auto& path : options.allow_paths) {
    std::error_code error;
    const fs::path folder = fs::canonical(path, error);
    if (error || !fs::is_directory(folder)) {
      Refuse("--allow-path", "it is no folder that is there", "Make the folder, then start again.");
    }
    rules.allow_paths.push_back(folder);
  }
  if (!options.ca_bundle.empty()) {
    if (access(options.ca_bundle.c_str(), R_OK) != 0) {
      Refuse("--ca-bundle", "the file cannot be read", "Name a PEM file that this user may read.");
    }
    const fs::path file = fs::absolute(options.ca_bundle);
    rules.redshift_root_cert = rules.postgres_root_cert = rules.aws_ca_bundle = file;
  }
  return rules;
}

LoadedKeyring KeyringOf(const ServiceOptions& options, const DataFolder& data,
                        const base::Environment& environment, bool may_make) {
  return LoadKeyring(options.key_file.empty() ? data.key_file() : options.key_file, environment,
                     may_make);
}

// The keys as `sluice serve rotate-key` left them meanwhile.
std::function<Keyring()> Reread(const ServiceOptions& options, const DataFolder& data,
                                const base::Environment& environment) {
  return [=] { return KeyringOf(options, data, environment, false).keyring; };
}

DataFolder FolderOf(const ServiceOptions& options) {
  return DataFolder(fs::absolute(options.data));
}

void RequireData(const DataFolder& data, std::string_view operation) {
  if (fs::exists(data.database())) return;
  throw base::Error({.code = ErrorCode::kNotFound,
                     .operation = std::string(operation),
                     .subject = data.root().string(),
                     .message = "there is no service's data",
                     .remedy = "Name its folder with --data, or start `sluice serve` first."});
}

// A database without its key would be read by nobody: a new key is made for a new one alone.
bool IsNew(const DataFolder& data) { return !fs::exists(data.database()); }

}  // namespace

class Service::Impl {
 public:
  Impl(const ServiceOptions& options, base::Environment environment, const base::Clock& clock,
       base::Logger& log)
      : clock_(clock),
        listen_(ParseListen(options.listen)),
        rules_(RulesOf(options)),
        data_(Made(FolderOf(options))),
        lock_(data_),
        store_(OpenStore(options, environment)) {
    if (options.tls_certificate.empty() != options.tls_key.empty()) {
      Refuse("--tls-cert", "certificate and key belong together", "Give both, or neither.");
    }
    RunsOptions runs{.data = data_.root(),
                     .parallel_runs = options.parallel_runs,
                     .aws_environment = options.aws_environment,
                     .environment = std::move(environment),
                     .allow_hosts = options.allow_hosts,
                     .alert_ca_file = rules_.aws_ca_bundle ? rules_.aws_ca_bundle->string() : "",
                     .public_url = options.public_url};
    runs_ = MakeRuns(runs, *store_, ComposeFrom(*store_, rules_, data_), clock, log);
    ApiOptions api{.rules = rules_,
                   .vendor = options.vendor,
                   .frame_origins = options.frame_origins,
                   .public_url = options.public_url,
                   .hosts = {},
                   .any_address = !IsOwnMachine(listen_.host),
                   .tls = !options.tls_certificate.empty()};
    api.hosts.push_back(base::Lower(listen_.host));
    if (!options.public_url.empty()) {
      api.hosts.push_back(HostOfOrigin("--public-url", options.public_url));
    }
    for (const auto& origin : options.frame_origins) HostOfOrigin("--allow-frame", origin);
    api_ = std::make_unique<Api>(api, *store_, *runs_, data_, clock, log);
    ServerOptions server{.address = listen_.host,
                         .port = listen_.port,
                         .tls_certificate = options.tls_certificate,
                         .tls_key = options.tls_key};
    server_ = std::make_unique<Server>(
        server, [this](const Request& request) { return api_->Handle(request); }, clock, log);
    const bool six = listen_.host.find(':') != std::string::npos;
    url_ = fmt::format("{}://{}{}{}:{}", api.tls ? "https" : "http", six ? "[" : "", listen_.host,
                       six ? "]" : "", server_->port());
    if (!options.public_url.empty()) public_url_ = options.public_url;
    MakeFirstToken();
  }

  const std::string& url() const { return url_; }
  std::optional<base::Secret> first_link() const { return first_link_; }
  const fs::path& made_key() const { return made_key_; }

  void Begin() {
    runs_->Begin();
    server_->Begin();
  }

  void End() {
    server_->End();
    runs_->End();
  }

 private:
  static DataFolder Made(DataFolder data) {
    data.Make();
    return data;
  }

  std::unique_ptr<Store> OpenStore(const ServiceOptions& options,
                                   const base::Environment& environment) {
    const KeyLock lock(data_);
    const LoadedKeyring loaded = KeyringOf(options, data_, environment, IsNew(data_));
    if (loaded.made) made_key_ = loaded.file;
    auto store = Store::Open(data_.root(), EndRotation(data_, loaded, clock_), clock_,
                             Reread(options, data_, environment));
    store->ForgetUnanswered();
    return store;
  }

  void MakeFirstToken() {
    if (!store_->Tokens(std::nullopt, {.limit = 1, .cursor = {}}).items.empty()) return;
    const auto [token, text] =
        store_->AddToken("first start", Scope::kAdmin, std::nullopt, std::nullopt);
    store_->Audit({.at = clock_.Utc(), .action = "token.create", .subject = token.id});
    first_link_.emplace((public_url_.empty() ? url_ : public_url_) + "/#token=" + text.Reveal());
  }

  const base::Clock& clock_;
  const Listen listen_;
  const OperatorRules rules_;
  const DataFolder data_;
  const DataLock lock_;
  fs::path made_key_;
  const std::unique_ptr<Store> store_;
  std::unique_ptr<Runs> runs_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Server> server_;
  std::string url_;
  std::string public_url_;
  std::optional<base::Secret> first_link_;
};

Service::Service(const ServiceOptions& options, base::Environment environment,
                 const base::Clock& clock, base::Logger& log)
    : impl_(std::make_unique<Impl>(options, std::move(environment), clock, log)) {}
Service::~Service() = default;
const std::string& Service::url() const { return impl_->url(); }
std::optional<base::Secret> Service::first_link() const { return impl_->first_link(); }
const fs::path& Service::made_key() const { return impl_->made_key(); }
void Service::Begin() { impl_->Begin(); }
void Service::End() { impl_->End(); }

base::Secret MakeToken(const ServiceOptions& options, const base::Environment& environment,
                       const base::Clock& clock, const TokenRequest& request) {
  const DataFolder data = FolderOf(options);
  RequireData(data, "serve token");
  const LoadedKeyring keyring = KeyringOf(options, data, environment, false);
  const auto store = Store::Open(data.root(), keyring.keyring, clock);
  const auto scope = ParseScope(request.scope);
  if (!scope || *scope == Scope::kConnect) {
    Refuse("--scope", "it is none of admin, tenant, read", "Write one of these.");
  }
  std::optional<std::string> tenant;
  if (!request.tenant.empty()) {
    const auto named = store->FindTenantByName(request.tenant);
    tenant = named ? named->id : store->GetTenant(request.tenant).id;
  }
  if ((*scope == Scope::kTenant && !tenant) || (*scope == Scope::kAdmin && tenant)) {
    Refuse("--tenant", "scope tenant needs it, scope admin has none",
           "Give --tenant NAME with --scope tenant or read.");
  }
  std::optional<base::UtcTime> expires_at;
  if (request.days > 0) expires_at = clock.Utc() + std::chrono::hours(24 * request.days);
  const auto [token, text] = store->AddToken(request.name, *scope, tenant, expires_at);
  store->Audit(
      {.at = clock.Utc(), .tenant = tenant, .action = "token.create", .subject = token.id});
  return text;
}

ServiceData OpenData(const ServiceOptions& options, const base::Environment& environment,
                     const base::Clock& clock, std::string_view operation) {
  DataFolder data = FolderOf(options);
  RequireData(data, operation);
  const LoadedKeyring keyring = KeyringOf(options, data, environment, false);
  auto store = Store::Open(data.root(), keyring.keyring, clock, Reread(options, data, environment));
  return {.data = std::move(data), .rules = RulesOf(options), .store = std::move(store)};
}

std::int64_t BackUpService(const ServiceOptions& options, const fs::path& to) {
  const DataFolder data = FolderOf(options);
  RequireData(data, "serve backup");
  return BackUp(data, to);
}

KeyRotated RotateServiceKey(const ServiceOptions& options, const base::Environment& environment,
                            const base::Clock& clock) {
  const DataFolder data = FolderOf(options);
  RequireData(data, "serve rotate-key");
  const KeyLock lock(data);
  const LoadedKeyring keyring = KeyringOf(options, data, environment, false);
  std::optional<DataLock> alone;
  if (keyring.file.empty()) alone.emplace(data);  // a process keeps its variables
  const Rotated rotated = RotateKey(data, keyring, clock);
  return {.values = rotated.values, .key_id = rotated.key_id};
}

}  // namespace sluice::serve
