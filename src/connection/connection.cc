#include "connection/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "aws/endpoints.h"
#include "aws/keys/credentials.h"
#include "aws/keys/unload_keys.h"
#include "aws/redshift_clusters.h"
#include "aws/redshift_serverless.h"
#include "aws/s3/s3.h"
#include "aws/s3/s3_traffic.h"
#include "aws/sts.h"
#include "base/retry.h"
#include "base/system_certificates.h"
#include "connection/chosen_streams.h"
#include "connection/identity.h"
#include "connection/session_watches.h"
#include "destinations/duckdb/duckdb_destination.h"
#include "destinations/lake/lake_destination.h"
#include "destinations/postgres/postgres_destination.h"
#include "http/transport.h"
#include "http/watched_transport.h"
#include "pq/probe.h"
#include "redshift/activity.h"
#include "redshift/endpoint.h"
#include "redshift/libpq_session.h"
#include "redshift/overview.h"
#include "sync/ledger/known_table.h"

namespace sluice::connection {
namespace {

namespace fs = std::filesystem;

// Nothing is under way yet when a password is asked for, so a service that throttles or fails is
// waited for longer than a single request would be: some 13 seconds, as redshift::Login does.
constexpr base::RetryOptions kLoginRetry{.attempts_max = 8,
                                         .backoff_first = std::chrono::milliseconds(1000),
                                         .backoff_max = std::chrono::milliseconds(5000)};
// What the program needs beside DuckDB's own limit: code, connections' buffers, parts under way.
constexpr std::uint64_t kMemoryBesideDuckDbMb = 144;
constexpr std::uint64_t kDuckDbMemoryMinMb = 64;
constexpr std::uint64_t kDuckDbMemoryPerThreadMb = 128;
constexpr unsigned kDuckDbThreadsMax = 4;

aws::EndpointOverrides Overrides(const config::AwsConfig& aws, const base::Environment& environment,
                                 const std::string& profile) {
  // What stands in the configuration was written for this connection, so it wins.
  aws::EndpointOverrides overrides = aws::EndpointOverridesFrom(environment, profile);
  const auto prefer = [](std::optional<aws::OtherAddress>& slot,
                         const std::optional<std::string>& own, const char* field) {
    if (own) slot = aws::OtherAddress(*own, field);
  };
  prefer(overrides.all, aws.endpoint_url, "aws.endpoint_url");
  prefer(overrides.s3, aws.endpoint_url_s3, "aws.endpoint_url_s3");
  prefer(overrides.sts, aws.endpoint_url_sts, "aws.endpoint_url_sts");
  prefer(overrides.redshift_serverless, aws.endpoint_url_redshift_serverless,
         "aws.endpoint_url_redshift_serverless");
  prefer(overrides.redshift, aws.endpoint_url_redshift, "aws.endpoint_url_redshift");
  overrides.allow_http = aws.allow_http;
  overrides.fips = aws.use_fips.value_or(overrides.fips);
  overrides.dualstack = aws.use_dualstack.value_or(overrides.dualstack);
  return overrides;
}

std::string Region(const config::Config& config, const redshift::Endpoint& endpoint,
                   const base::Environment& environment) {
  if (config.redshift.region) return *config.redshift.region;
  if (endpoint.region) return *endpoint.region;
  if (auto region = aws::DefaultRegion(environment, ProfileName(config))) return *region;
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "read configuration",
                     .subject = "redshift.region",
                     .message = "the host does not tell the workgroup's region, and neither does "
                                "AWS_REGION",
                     .remedy = "Set redshift.region, for example region: us-east-1"});
}

http::TransportOptions TransportOptionsOf(const config::Config& config,
                                          const base::Environment& environment) {
  http::TransportOptions options;
  options.ca_file = base::Lookup(environment, "AWS_CA_BUNDLE");
  if (config.aws.ca_bundle) options.ca_file = config.aws.ca_bundle->string();
  return options;
}

// Of our own objects: what UNLOAD calls AUTO is what S3 does where nothing is asked for.
std::string KmsKeyArn(const config::Config& config) {
  const auto& key = config.staging.kms_key;
  return key && *key != "auto" ? *key : "";
}

std::string RootsFile(const config::Config& config) {
  const auto& file = config.redshift.ssl_root_cert;
  return file ? file->string() : base::SystemCertificates();
}

// Absolute: DuckDB is told which folders it may read, and compares them as texts.
fs::path WorkDir(const config::Config& config, const base::Environment& environment) {
  if (config.limits.work_dir) return fs::absolute(*config.limits.work_dir);
  if (const auto tmp = base::Lookup(environment, "TMPDIR")) return fs::absolute(*tmp);
  return fs::absolute(config.folder / ".sluice");
}

}  // namespace

// In the order of making: each uses those above it.
struct Connection::Parts {
  Parts(const config::Config& config_in, const base::Environment& environment_in,
        const base::Clock& clock_in, base::Logger& log_in, Onlookers onlookers)
      : config(config_in),
        environment(environment_in),
        clock(clock_in),
        log(log_in),
        endpoint(redshift::ParseEndpoint(config.redshift.host)),
        region(Region(config, endpoint, environment)),
        overrides(Overrides(config.aws, environment, ProfileName(config))),
        watches({&activity, onlookers.session}),
        curl(http::MakeCurlTransport(TransportOptionsOf(config, environment), clock)),
        transport(std::make_unique<http::WatchedTransport>(
            *curl, clock,
            [exchange = std::move(onlookers.exchange)](const http::Exchange& seen) {
              if (exchange) exchange(seen);
            })),
        to_s3(*transport, clock,
              [this](const http::Exchange& exchange) { traffic.Count(exchange); }),
        sts(aws::StsEndpoint(region, overrides), *transport, clock),
        base_provider(BaseProvider(config, environment, sts, *transport, clock)),
        provider(Provider(config, base_provider, sts, clock)),
        serverless(aws::RedshiftServerlessEndpoint(region, overrides), *provider, *transport, clock,
                   kLoginRetry),
        clusters(aws::RedshiftEndpoint(region, overrides), *provider, *transport, clock,
                 kLoginRetry),
        unload_keys(UnloadOptionsOf(config), base_provider, sts, clock,
                    [this](const std::string& warning) { log.Warning(warning); }),
        store(aws::MakeS3Store(
            {.bucket = config.staging.bucket,
             .endpoint = aws::S3Endpoint(config.staging.region, config.staging.bucket, overrides),
             .kms_key_arn = KmsKeyArn(config)},
            *provider, to_s3, clock)) {}

  int port() const {
    return config.redshift.port.value_or(endpoint.port.value_or(redshift::kDefaultPort));
  }
  aws::DbCredentials Mint(const base::Call& call) {
    if (config.redshift.login_api == config::LoginApi::kGetClusterCredentials) {
      return clusters.GetClusterCredentials({.workgroup = config.redshift.workgroup,
                                             .user = config.redshift.username.value_or(""),
                                             .database = config.redshift.database},
                                            call);
    }
    return serverless.GetCredentials(
        {.workgroup = config.redshift.workgroup, .database = config.redshift.database}, call);
  }
  struct Engine;
  Engine EngineOf() const;
  std::unique_ptr<destinations::Destination> Open(const config::DuckDbDestination& duckdb);
  std::unique_ptr<destinations::Destination> Open(const config::PostgresDestination& postgres);
  std::unique_ptr<destinations::Destination> Open(const config::LakeDestination& lake);
  void MakeLakeStore(const config::LakeDestination& lake);
  std::unique_ptr<redshift::Session> LoginWith(
      std::function<redshift::DbCredentials(const base::Call&)> mint, const base::Call& call);
  std::function<redshift::UnloadAuth(const std::string&, std::chrono::seconds, const base::Call&)>
  UnloadAuthFunction() {
    return [this](const std::string& prefix, std::chrono::seconds life_min,
                  const base::Call& call) -> redshift::UnloadAuth {
      if (config.staging.unload_role) return redshift::UnloadRole{*config.staging.unload_role};
      return unload_keys.Get(prefix, life_min, call);
    };
  }

  const config::Config& config;
  const base::Environment environment;
  const base::Clock& clock;
  base::Logger& log;
  const redshift::Endpoint endpoint;
  const std::string region;  // of the workgroup
  const aws::EndpointOverrides overrides;
  // What counts while a run goes on.
  redshift::Activity activity{clock};
  aws::S3Traffic traffic;
  SessionWatches watches;
  const std::unique_ptr<http::Transport> curl;
  const std::unique_ptr<http::Transport> transport;  // the same, looked on
  http::WatchedTransport to_s3;                      // the same, counted
  aws::Sts sts;
  const std::shared_ptr<aws::CredentialProvider> base_provider;
  const std::shared_ptr<aws::CredentialProvider> provider;
  aws::RedshiftServerless serverless;
  aws::RedshiftClusters clusters;
  aws::UnloadKeys unload_keys;
  const std::unique_ptr<aws::ObjectStore> store;
  // Made when a lake in a bucket is opened; without keys of its own it is reached by `provider`.
  std::shared_ptr<aws::CredentialProvider> lake_provider;
  std::unique_ptr<aws::ObjectStore> lake_store;
  std::mutex kept_mu;
  std::unique_ptr<redshift::Session> kept;  // guarded by kept_mu: for the first that logs in
};

namespace {

redshift::DbCredentials ForLogin(const aws::DbCredentials& credentials) {
  return {.user = credentials.user,
          .password = credentials.password,
          .expiration = credentials.expiration};
}

}  // namespace

// How much of limits.memory_mb DuckDB gets, and the threads that it feeds.
struct Connection::Parts::Engine {
  int memory_limit_mb;
  int threads;
};

Connection::Parts::Engine Connection::Parts::EngineOf() const {
  const auto memory =
      std::max(kDuckDbMemoryMinMb, config.limits.memory_mb > kMemoryBesideDuckDbMb
                                       ? config.limits.memory_mb - kMemoryBesideDuckDbMb
                                       : 0);
  // One thread for each 128 MB: two are what the default limit feeds, each more costs 40 MB.
  const auto fed = static_cast<unsigned>(memory / kDuckDbMemoryPerThreadMb);
  const auto threads =
      std::clamp(std::min(fed, std::thread::hardware_concurrency()), 1U, kDuckDbThreadsMax);
  return {.memory_limit_mb = static_cast<int>(memory), .threads = static_cast<int>(threads)};
}

std::unique_ptr<destinations::Destination> Connection::Parts::Open(
    const config::DuckDbDestination& duckdb) {
  const Engine engine = EngineOf();
  return destinations::duckdb::OpenDuckDb({.path = duckdb.path,
                                           .work_dir = WorkDir(config, environment),
                                           .memory_limit_mb = engine.memory_limit_mb,
                                           .threads = engine.threads},
                                          clock, log);
}

std::unique_ptr<destinations::Destination> Connection::Parts::Open(
    const config::PostgresDestination& postgres) {
  const Engine engine = EngineOf();
  destinations::postgres::PostgresOptions options;
  options.host = postgres.host;
  options.port = postgres.port;
  options.database = postgres.database;
  options.user = postgres.user;
  options.password = postgres.password;
  options.sslmode = postgres.sslmode;
  if (postgres.ssl_root_cert) options.ssl_root_cert = postgres.ssl_root_cert->string();
  options.connections = postgres.connections;
  options.work_dir = WorkDir(config, environment);
  options.memory_limit_mb = engine.memory_limit_mb;
  options.threads = engine.threads;
  return destinations::postgres::OpenPostgres(options, clock, log);
}

// The lake's own bucket: with keys of its own or as the connection, at its own address or AWS's.
void Connection::Parts::MakeLakeStore(const config::LakeDestination& lake) {
  aws::EndpointOverrides its_overrides = overrides;
  if (lake.endpoint_url) {
    its_overrides = {};
    its_overrides.s3 = aws::OtherAddress(*lake.endpoint_url, "destination.endpoint_url");
    its_overrides.allow_http = config.aws.allow_http;
  }
  if (!lake.access_key_id.empty()) {
    std::vector<std::unique_ptr<aws::KeySource>> sources;
    sources.push_back(aws::MakeFixedKeys({.access_key_id = lake.access_key_id,
                                          .secret_access_key = lake.secret_access_key,
                                          .session_token = lake.session_token,
                                          .expiration = std::nullopt},
                                         "configuration"));
    lake_provider = aws::MakeChain(std::move(sources), clock);
  }
  lake_store = aws::MakeS3Store(
      {.bucket = lake.bucket, .endpoint = aws::S3Endpoint(lake.region, lake.bucket, its_overrides)},
      lake_provider ? *lake_provider : *provider, to_s3, clock);
}

std::unique_ptr<destinations::Destination> Connection::Parts::Open(
    const config::LakeDestination& lake) {
  const Engine engine = EngineOf();
  destinations::lake::LakeOptions options;
  options.keep_versions = lake.keep_versions;
  options.keep_for = lake.keep_for;
  options.work_dir = WorkDir(config, environment);
  options.memory_limit_mb = engine.memory_limit_mb;
  options.threads = engine.threads;
  options.folder = lake.folder;
  if (lake.folder.empty()) {
    MakeLakeStore(lake);
    options.store = lake_store.get();
    options.bucket = lake.bucket;
    options.prefix = lake.prefix;
    options.staging = store.get();
    // S3 copies between buckets of a region that one identity reaches at one address.
    const bool reached_alike =
        !lake.endpoint_url && lake.access_key_id.empty() && lake.region == config.staging.region;
    if (reached_alike) options.staging_bucket = config.staging.bucket;
  }
  return destinations::lake::OpenLake(options, clock, log);
}

std::unique_ptr<redshift::Session> Connection::Parts::LoginWith(
    std::function<redshift::DbCredentials(const base::Call&)> mint, const base::Call& call) {
  redshift::LoginOptions options;
  options.host = endpoint.host;
  options.port = port();
  options.database = config.redshift.database;
  options.mint = std::move(mint);
  if (config.redshift.ssl_root_cert)
    options.ssl_root_cert = config.redshift.ssl_root_cert->string();
  options.watch = &watches;
  options.workgroup = config.redshift.workgroup;
  options.bucket = config.staging.bucket;
  options.bucket_region = config.staging.region;
  return redshift::Login(options, clock, log, call);
}

namespace {

sync::ChosenStreams ChosenBy(const config::Config& config, redshift::Session& session,
                             const base::Call& call) {
  const auto listed = redshift::ListAllTables(session, config.redshift.database, call);
  auto chosen = Choose(config, listed, sync::ReadKnownTables(LedgerOf(config)));
  RequireStreams(config, chosen, listed);
  return chosen;
}

}  // namespace

Connection::Connection(const config::Config& config, const base::Environment& environment,
                       const base::Clock& clock, base::Logger& log, Onlookers onlookers)
    : parts_(std::make_unique<Parts>(config, environment, clock, log, std::move(onlookers))) {}
Connection::~Connection() = default;

std::unique_ptr<redshift::Session> Connection::Login(const base::Call& call) {
  return parts_->LoginWith(
      [this](const base::Call& inner) { return ForLogin(parts_->Mint(inner)); }, call);
}

sync::ChosenStreams Connection::ChooseStreams(const base::Call& call) {
  const auto& config = parts_->config;
  if (config.patterns.empty()) return {.streams = StreamsOf(config)};
  auto session = Login(call);
  auto chosen = ChosenBy(config, *session, call);
  const std::lock_guard lock(parts_->kept_mu);
  parts_->kept = std::move(session);
  return chosen;
}

std::unique_ptr<redshift::Session> Connection::LoginAgain(const base::Call& call) {
  {
    const std::lock_guard lock(parts_->kept_mu);
    if (parts_->kept) return std::exchange(parts_->kept, nullptr);
  }
  return Login(call);
}

std::unique_ptr<destinations::Destination> Connection::OpenDestination() {
  return std::visit([this](const auto& kind) { return parts_->Open(kind); },
                    parts_->config.destination.kind);
}

sync::RunOptions Connection::RunOptions() const {
  const auto& config = parts_->config;
  sync::RunOptions options;
  options.connection = config.name;
  options.database = config.redshift.database;
  options.bucket = config.staging.bucket;
  options.bucket_region = config.staging.region;
  options.root = config.staging.root;
  options.kms_key = config.staging.kms_key;
  options.destination_schema = config.destination.schema;
  options.work_dir = WorkDir(config, parts_->environment);
  options.ledger = LedgerOf(config);
  options.history_keep = config.history.keep;
  options.rpu_price = config.cost.rpu_price;
  options.ask_usage = config.cost.ask_usage;
  options.streams_parallel = config.streams_parallel;
  options.disk_bytes_max = config.limits.disk_mb << 20U;
  return options;
}

sync::RunParts Connection::RunParts(destinations::Destination& destination,
                                    sync::Observer& observer) {
  return {.clock = parts_->clock,
          .log = parts_->log,
          .store = *parts_->store,
          .destination = destination,
          .login = [this](const base::Call& call) { return LoginAgain(call); },
          .unload_auth = parts_->UnloadAuthFunction(),
          .observer = observer,
          .activity = &parts_->activity,
          .traffic = &parts_->traffic};
}

aws::ObjectStore& Connection::Store() { return *parts_->store; }

check::CheckOptions Connection::CheckOptions() const {
  const auto& config = parts_->config;
  check::CheckOptions options = {.connection = config.name,
                                 .workgroup = config.redshift.workgroup,
                                 .endpoint = parts_->endpoint,
                                 .port = parts_->port(),
                                 .database = config.redshift.database,
                                 .submitted_user = config.redshift.username.value_or(""),
                                 .region = parts_->region,
                                 .bucket = config.staging.bucket,
                                 .bucket_region = config.staging.region,
                                 .root = config.staging.root,
                                 .kms_key = config.staging.kms_key,
                                 .streams = StreamsOf(config),
                                 .has_patterns = !config.patterns.empty(),
                                 .schemas_of_patterns = SchemasOfPatterns(config),
                                 .sync = RunOptions()};
  options.by_cluster_credentials =
      config.redshift.login_api == config::LoginApi::kGetClusterCredentials;
  options.roots_file = RootsFile(config);
  if (const auto* role = std::get_if<config::RoleAuth>(&config.auth)) {
    options.role_arn = role->role_arn;
    options.role_duration = role->duration;
    for (const auto& tag : role->session_tags) {
      if (tag.key == "RedshiftDbUser") options.tag_db_user = tag.value;
      if (tag.key == "RedshiftDbRoles") options.tag_db_roles = tag.value;
    }
  }
  return options;
}

check::CheckParts Connection::CheckParts(std::function<void(const check::Finding&)> on_finding) {
  Parts& parts = *parts_;
  return {
      .clock = parts.clock,
      .store = *parts.store,
      .probe_network =
          [&parts](const base::Call& call) {
            return pq::Probe({.host = parts.endpoint.host,
                              .port = parts.port(),
                              .roots_file = RootsFile(parts.config)},
                             parts.clock, call);
          },
      .describe_workgroup =
          [&parts](const base::Call& call) {
            return parts.serverless.GetWorkgroup(parts.config.redshift.workgroup, call);
          },
      .who_am_i =
          [&parts](const base::Call& call) {
            constexpr std::chrono::seconds kLife{60};
            return aws::UseKeys(*parts.provider, kLife, call, [&](const aws::SessionKeys& keys) {
              return parts.sts.GetCallerIdentity(keys, call);
            });
          },
      .describe_keys = [&parts] { return parts.provider->Describe(); },
      .get_credentials = [&parts](const base::Call& call) { return parts.Mint(call); },
      .login =
          [&parts](const aws::DbCredentials& credentials, const base::Call& call) {
            // A second try of the log-in wants a new password.
            auto first = std::make_shared<bool>(true);
            return parts.LoginWith(
                [&parts, credentials, first](const base::Call& inner) {
                  return ForLogin(std::exchange(*first, false) ? credentials : parts.Mint(inner));
                },
                call);
          },
      .choose_streams =
          [&parts](redshift::Session& session, const base::Call& call) {
            return ChosenBy(parts.config, session, call);
          },
      .unload_auth = parts.UnloadAuthFunction(),
      .unload_keys_narrowed =
          [&parts] {
            return parts.unload_keys.narrowed() || UnloadOptionsOf(parts.config).allow_own_keys;
          },
      .open_destination = [this] { return OpenDestination(); },
      .on_finding = std::move(on_finding)};
}

SetupQuestions Connection::SetupQuestions() {
  Parts& parts = *parts_;
  constexpr std::chrono::seconds kLife{60};
  // The base may be an administrator, who may look where the role may not.
  auto by_base = std::make_shared<aws::RedshiftServerless>(
      aws::RedshiftServerlessEndpoint(parts.region, parts.overrides), *parts.base_provider,
      *parts.transport, parts.clock);
  const auto arn = [&parts](aws::CredentialProvider& provider, const base::Call& call) {
    return parts.sts.GetCallerIdentity(provider.Get(kLife, call), call).arn;
  };
  const std::string& name = parts.config.redshift.workgroup;
  return {
      .base_arn = [&parts, arn](const base::Call& call) { return arn(*parts.base_provider, call); },
      .caller_arn = [&parts, arn](const base::Call& call) { return arn(*parts.provider, call); },
      .workgroup =
          [&parts, &name](const base::Call& call) {
            return parts.serverless.GetWorkgroup(name, call);
          },
      .workgroup_by_base =
          [by_base, &name](const base::Call& call) { return by_base->GetWorkgroup(name, call); },
      .namespace_of =
          [&parts, by_base](const std::string& space, const base::Call& call) {
            try {
              return parts.serverless.GetNamespace(space, call);
            } catch (const base::Error&) {
              return by_base->GetNamespace(space, call);
            }
          },
      .db_user = [&parts](const base::Call& call) { return parts.Mint(call).user; }};
}

const std::string& Connection::WorkgroupRegion() const { return parts_->region; }

std::string Connection::StagingRoot() const {
  return fmt::format("s3://{}/{}{}/", parts_->config.staging.bucket, parts_->config.staging.root,
                     parts_->config.name);
}

fs::path LedgerOf(const config::Config& config) {
  return config.folder / ".sluice" / (config.name + ".ledger");
}

std::vector<model::Stream> StreamsOf(const config::Config& config) {
  std::vector<model::Stream> streams;
  for (const auto& entry : config.streams) streams.push_back(entry.stream);
  return streams;
}

}  // namespace sluice::connection
