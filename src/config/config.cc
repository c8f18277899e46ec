#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "config/auth.h"
#include "config/destination.h"
#include "config/include.h"
#include "config/reader.h"
#include "config/streams.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

// A host may bring its port along; then nobody knows which of two is meant.
void RefuseOtherPort(MapReader& map, const RedshiftConfig& redshift, const HostRules& rules) {
  if (rules.port == nullptr || redshift.host.empty()) return;
  const auto said = rules.port(redshift.host);
  if (!said || *said == *redshift.port) return;
  map.Add("port", fmt::format("is {}, but the host says {}", *redshift.port, *said),
          "Keep the one that is right: leave the port out, or write the host without it.");
}

RedshiftConfig ReadRedshift(Reading& reading, const Node* node) {
  MapReader map(reading, node, kRedshiftGroup, "redshift");
  RedshiftConfig redshift;
  redshift.workgroup = map.RequiredText("workgroup");
  const HostRules& rules = reading.host_rules;
  redshift.host = map.RequiredText("host", rules.check);
  if (const auto port = map.Integer("port")) {
    redshift.port = static_cast<int>(*port);
    RefuseOtherPort(map, redshift, rules);
  }
  redshift.database = map.RequiredText("database");
  redshift.username = map.Text("username");
  redshift.login_api =
      map.Choice<LoginApi>("login_api",
                           {{"GetCredentials", LoginApi::kGetCredentials},
                            {"GetClusterCredentials", LoginApi::kGetClusterCredentials}})
          .value_or(LoginApi::kGetCredentials);
  if (redshift.login_api == LoginApi::kGetClusterCredentials && !map.Has("username")) {
    map.Missing("username", "GetClusterCredentials logs in as the user that is named here.");
  }
  redshift.region = map.Text("region");
  redshift.ssl_root_cert = map.Path("sslrootcert");
  map.RefuseOthers();
  return redshift;
}

StagingConfig ReadStaging(Reading& reading, const Node* node) {
  MapReader map(reading, node, kStagingGroup, "staging");
  StagingConfig staging;
  staging.bucket = map.RequiredText("bucket");
  staging.region = map.RequiredText("region");
  if (auto root = map.Text("root")) {
    staging.root = root->ends_with('/') ? std::move(*root) : *root + "/";
  }
  staging.kms_key = map.Text("kms_key");
  staging.unload_role = map.Text("unload_role");
  map.RefuseOthers();
  return staging;
}

Limits ReadLimits(Reading& reading, const Node* node) {
  MapReader map(reading, node, kLimitsGroup, "limits");
  Limits limits;
  if (const auto mb = map.Integer("memory_mb")) {
    limits.memory_mb = static_cast<std::uint64_t>(*mb);
  }
  if (const auto mb = map.Integer("disk_mb")) {
    limits.disk_mb = static_cast<std::uint64_t>(*mb);
  }
  limits.work_dir = map.Path("work_dir");
  map.RefuseOthers();
  return limits;
}

HistoryConfig ReadHistory(Reading& reading, const Node* node) {
  MapReader map(reading, node, kHistoryGroup, "history");
  HistoryConfig history;
  history.keep = map.Duration("keep").value_or(history.keep);
  map.RefuseOthers();
  return history;
}

CostConfig ReadCost(Reading& reading, const Node* node) {
  MapReader map(reading, node, kCostGroup, "cost");
  CostConfig cost;
  if (const auto price = map.Text("rpu_price")) cost.rpu_price = ParsePrice(*price);
  cost.ask_usage = map.Bool("ask_usage").value_or(cost.ask_usage);
  map.RefuseOthers();
  return cost;
}

// The result names tables and servers: it is not sent in the clear.
OnFailureConfig ReadOnFailure(Reading& reading, const Node* node) {
  MapReader map(reading, node, kOnFailureGroup, "on_failure");
  OnFailureConfig on_failure;
  on_failure.command = map.Sql("command").value_or("");
  if (const auto webhook = map.SecretText("webhook")) {
    const std::string& url = webhook->Reveal();
    if (CheckUrl(url) || IsHttpElsewhere(url)) {
      map.Add("webhook", "is not an https:// address",
              "Write the whole address: https://hooks.example.com/... (http:// is for this machine "
              "alone). It is not shown here, as it may be a secret.");
    } else {
      on_failure.webhook = *webhook;
    }
  }
  map.RefuseOthers();
  return on_failure;
}

// The environment's addresses are judged by aws/endpoints.h, by the same rule.
void RefuseHttp(MapReader& map, const AwsConfig& aws,
                const std::vector<std::pair<std::string_view, std::optional<std::string>>>& urls) {
  if (aws.allow_http) return;
  for (const auto& [key, url] : urls) {
    if (!url || !IsHttpElsewhere(*url)) continue;
    map.Add(key,
            "is an http:// address of another machine: keys, session tokens and rows would travel "
            "in the clear",
            "Write https://. If that service offers no TLS and you trust the network between, say "
            "so: aws: { allow_http: true }");
  }
}

AwsConfig ReadAws(Reading& reading, const Node* node) {
  MapReader map(reading, node, kAwsGroup, "aws");
  AwsConfig aws;
  aws.ca_bundle = map.Path("ca_bundle");
  aws.endpoint_url = map.Text("endpoint_url");
  aws.endpoint_url_s3 = map.Text("endpoint_url_s3");
  aws.endpoint_url_sts = map.Text("endpoint_url_sts");
  aws.endpoint_url_redshift_serverless = map.Text("endpoint_url_redshift_serverless");
  aws.endpoint_url_redshift = map.Text("endpoint_url_redshift");
  aws.allow_http = map.Bool("allow_http").value_or(false);
  RefuseHttp(map, aws,
             {{"endpoint_url", aws.endpoint_url},
              {"endpoint_url_s3", aws.endpoint_url_s3},
              {"endpoint_url_sts", aws.endpoint_url_sts},
              {"endpoint_url_redshift_serverless", aws.endpoint_url_redshift_serverless},
              {"endpoint_url_redshift", aws.endpoint_url_redshift}});
  aws.use_fips = map.Bool("use_fips");
  aws.use_dualstack = map.Bool("use_dualstack");
  map.RefuseOthers();
  return aws;
}

Config ReadConfig(Reading& reading, const Node& root) {
  MapReader top(reading, &root, kRootGroup, "");
  Config config;
  if (!top.present()) return config;
  config.name = top.RequiredText("name");
  const auto group = [&](std::string_view key) {
    if (!top.Has(key)) top.Missing(key);
    return top.Map(key);
  };
  // A group that is missing is one problem, not one for each of its fields.
  if (const Node* node = group("redshift")) config.redshift = ReadRedshift(reading, node);
  if (const Node* node = group("staging")) config.staging = ReadStaging(reading, node);
  config.auth = ReadAuth(reading, top.Map("auth"), top);
  if (const Node* node = group("destination")) {
    config.destination = ReadDestination(reading, node, config.staging);
  }
  top.Any("include");  // include.h read it
  ReadStreams(reading, top, config);
  if (const auto count = top.Integer("streams_parallel")) {
    config.streams_parallel = static_cast<int>(*count);
  }
  config.limits = ReadLimits(reading, top.Map("limits"));
  config.history = ReadHistory(reading, top.Map("history"));
  config.cost = ReadCost(reading, top.Map("cost"));
  config.on_failure = ReadOnFailure(reading, top.Map("on_failure"));
  config.aws = ReadAws(reading, top.Map("aws"));
  if (const auto* lake = std::get_if<LakeDestination>(&config.destination.kind)) {
    MapReader destination(reading, top.Map("destination"), kDestinationGroup, "destination");
    RefuseHttp(destination, config.aws, {{"endpoint_url", lake->endpoint_url}});
  }
  top.RefuseOthers();
  return config;
}

void SortByPlace(std::vector<Problem>& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tuple(a.at.file, a.at.line, a.at.column) <
           std::tuple(b.at.file, b.at.line, b.at.column);
  });
}

}  // namespace

namespace {

struct ParsedText {
  Loaded loaded;
  std::vector<Reading::LiteralSecret> literal_secrets;
  std::vector<IncludedFile> included;
};

ParsedText ParseText(std::string_view text, const fs::path& file, const Environment& environment,
                     const HostRules& host_rules) {
  ParsedText parsed;
  Loaded& loaded = parsed.loaded;
  const ReferenceSources sources{environment, FolderOf(file)};
  WholeTree whole = ParseWithIncludes(text, file, sources);
  Tree& tree = whole.tree;
  Reading reading{
      .sources = sources, .problems = std::move(tree.problems), .host_rules = host_rules};
  // Only a double key leaves a tree worth reading; every other problem ended the parse.
  if (tree.root.kind != Node::Kind::kNull) loaded.config = ReadConfig(reading, tree.root);
  loaded.config.file = file;
  loaded.config.folder = sources.folder;
  loaded.problems = std::move(reading.problems);
  SortByPlace(loaded.problems);
  for (Problem& problem : loaded.problems) {
    if (problem.at.file == 0) continue;
    problem.file = whole.files.at(static_cast<std::size_t>(problem.at.file) - 1).path.string();
  }
  parsed.literal_secrets = std::move(reading.literal_secrets);
  parsed.included = std::move(whole.files);
  return parsed;
}

// A secret in a file that every user of the machine may read is no secret.
void WarnOfReaders(const fs::path& main, fs::perms main_perms, const ParsedText& parsed,
                   Config& config) {
  constexpr auto kOthers = fs::perms::group_read | fs::perms::others_read;
  for (const auto& [field, number] : parsed.literal_secrets) {
    const auto included = static_cast<std::size_t>(number);
    const fs::path& file = number == 0 ? main : parsed.included.at(included - 1).path;
    const fs::perms perms = number == 0 ? main_perms : parsed.included.at(included - 1).perms;
    if ((perms & kOthers) == fs::perms::none) continue;
    config.warnings.push_back(
        {.field = field,
         .problem = fmt::format("stands in a file that {} may read",
                                (perms & fs::perms::others_read) == fs::perms::none
                                    ? "its group"
                                    : "every user of this machine"),
         .remedy =
             fmt::format("chmod 600 {}\nBetter: keep the secret elsewhere, as \"${{file:PATH}}\" "
                         "or \"${{NAME}}\".",
                         file.string()),
         .file = number == 0 ? "" : file.string()});
  }
}

// "sluice.yml" for "sluice.yaml", if that is there.
std::optional<fs::path> OtherSpelling(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension != ".yaml" && extension != ".yml") return std::nullopt;
  fs::path other = file;
  other.replace_extension(extension == ".yaml" ? ".yml" : ".yaml");
  std::error_code error;
  return fs::exists(other, error) ? std::optional(other) : std::nullopt;
}

std::string RemedyOfAbsent(const fs::path& file) {
  if (const auto other = OtherSpelling(file)) {
    return fmt::format("There is {0}: name it with sluice --config {0} ..., or rename it.",
                       other->string());
  }
  return "Write it by answering a few questions: sluice init\n"
         "Or name another: sluice --config PATH ...";
}

}  // namespace

Loaded Parse(std::string_view text, const fs::path& file, const Environment& environment,
             const HostRules& host_rules) {
  return ParseText(text, file, environment, host_rules).loaded;
}

Loaded Load(const fs::path& file, const Environment& environment, const HostRules& host_rules) {
  auto read = ReadTextFile(file, RemedyOfAbsent(file));
  if (auto* problem = std::get_if<Problem>(&read)) {
    Loaded loaded;
    loaded.config.file = file;
    loaded.problems.push_back(std::move(*problem));
    return loaded;
  }
  const auto& text = std::get<ReadText>(read);
  ParsedText parsed = ParseText(text.text, file, environment, host_rules);
  WarnOfReaders(file, text.perms, parsed, parsed.loaded.config);
  return std::move(parsed.loaded);
}

std::string Place(const fs::path& main, const Problem& problem) {
  const std::string file = problem.file.empty() ? main.string() : problem.file;
  if (problem.at.line == 0) return file;
  return fmt::format("{}:{}:{}", file, problem.at.line, problem.at.column);
}

base::Error ToError(const fs::path& file, const std::vector<Problem>& problems) {
  std::string message;
  std::string remedy;
  for (const Problem& problem : problems) {
    if (!message.empty()) message += "; ";
    message += problem.field.empty() ? problem.problem
                                     : fmt::format("{} {}", problem.field, problem.problem);
    if (!problem.file.empty()) {
      message += fmt::format(" ({})", Place(file, problem));
    } else if (problem.at.line > 0) {
      message += fmt::format(" (line {})", problem.at.line);
    }
    if (!remedy.empty()) remedy += '\n';
    remedy += problem.remedy;
  }
  return base::Error({.code = base::ErrorCode::kInvalidConfig,
                      .operation = "read configuration",
                      .subject = file.string(),
                      .message = std::move(message),
                      .remedy = std::move(remedy)});
}

}  // namespace sluice::config
