#include "serve/compose/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/destination_path.h"
#include "config/rules.h"
#include "redshift/endpoint.h"
#include "serve/base/text_rules.h"

namespace sluice::serve {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAskOperator = "Ask whoever runs this service";

class Judge {
 public:
  Judge(const Resource& resource, const Tenant& tenant, const OperatorRules& rules,
        std::vector<FieldProblem>& problems)
      : resource_(resource), tenant_(tenant), rules_(rules), problems_(problems) {}

  void JudgeAll() {
    JudgeTexts(resource_.name, "name");
    JudgeTexts(resource_.fields, "");
    for (const auto& [path, value] : resource_.secrets) JudgeText(value.Reveal(), path);
    switch (resource_.kind) {
      case Kind::kSource: return JudgeSource();
      case Kind::kDestination: return JudgeDestination();
      case Kind::kPipeline: return JudgePipeline();
      case Kind::kAlert: return JudgeAlert();
    }
  }

 private:
  void Add(std::string field, std::string problem, std::string remedy) {
    problems_.push_back({std::move(field), std::move(problem), std::move(remedy)});
  }

  std::string Text(std::string_view path) const { return FieldText(resource_, path); }

  void JudgeText(std::string_view text, std::string_view field) {
    if (text.find("${") == std::string_view::npos) return;
    Add(std::string(field), "holds ${, which begins a reference to a variable or file",
        "Send the value itself: nothing is looked up at the server.");
  }

  // Names within an object are the tenant's own, too.
  void JudgeTexts(const Json& value, const std::string& field) {
    if (value.is_string()) return JudgeText(value.get_ref<const std::string&>(), field);
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        JudgeTexts(value[i], fmt::format("{}[{}]", field, i));
      }
    }
    if (!value.is_object()) return;
    for (const auto& [key, inner] : value.items()) {
      const std::string name =
          fmt::format("{}{}{}", field, field.empty() ? "" : ".", ShownName(key));
      JudgeText(key, name);
      JudgeTexts(inner, name);
    }
  }

  void JudgeHost(std::string_view host, const std::string& field) {
    if (host.empty() || AllowsHost(rules_, host)) return;
    Add(field, InsideHost(host).value_or("is not allowed"),
        fmt::format("Send the name of a host that the internet knows. {}: --allow-host HOST.",
                    kAskOperator));
  }

  void JudgeSource() {
    JudgeHost(SourceHost(), "host");
    if (!Text("source").empty() && !rules_.aws_environment) {
      Add("source", "asks for the server's own AWS identity",
          fmt::format("Send role_arn, or access_key_id and secret_access_key. {}: "
                      "--aws-environment.",
                      kAskOperator));
    }
    const std::string external_id = Text("advanced.external_id");
    if (!external_id.empty() && !rules_.admin && external_id != tenant_.external_id) {
      Add("advanced.external_id", "is not this tenant's",
          fmt::format("Leave it out, and let the role's trust policy ask for {}: a role that asks "
                      "for it can be assumed for nobody else.",
                      tenant_.external_id));
    }
    JudgeEndpoints();
  }

  // As the child takes it apart: what is no endpoint is told by the configuration's own rules.
  std::string SourceHost() const {
    const std::string host = Text("host");
    try {
      return host.empty() ? host : redshift::ParseEndpoint(host).host;
    } catch (const base::Error&) {
      return {};
    }
  }

  void JudgeEndpoints() {
    const Json aws = FieldAt(resource_.fields, "advanced.aws");
    if (!aws.is_object()) return;
    for (const auto& [key, value] : aws.items()) {
      if (value.is_string()) {
        JudgeEndpoint(value.get_ref<const std::string&>(), "advanced.aws." + key);
      }
    }
    const bool http = std::any_of(rules_.allow_endpoints.begin(), rules_.allow_endpoints.end(),
                                  [](const std::string& url) { return url.starts_with("http:"); });
    if (aws.value("allow_http", false) && !http) {
      Add("advanced.aws.allow_http", "would let keys travel in the clear",
          fmt::format("Leave it out. {}: --allow-endpoint http://...", kAskOperator));
    }
  }

  void JudgeEndpoint(const std::string& url, const std::string& field) {
    if (AllowsEndpoint(rules_, url)) return;
    Add(field, "is an address that the operator has not allowed",
        fmt::format("Leave it out: AWS itself is then meant. {}: --allow-endpoint URL.",
                    kAskOperator));
  }

  void JudgeDestination() {
    if (Text("type") == "postgres") JudgeHost(Text("host"), "host");
    if (const std::string url = Text("endpoint_url"); !url.empty()) {
      JudgeEndpoint(url, "endpoint_url");
    }
  }

  void JudgePipeline() {
    const auto judge = [&](const Json& stream, const std::string& field) {
      for (const char* key : {"schedule", "time_zone"}) {
        if (!stream.is_object() || !stream.contains(key) || stream[key].is_null()) continue;
        Add(fmt::format("{}.{}", field, key), "stands at a stream, and a pipeline has one schedule",
            "Send it as `schedule` of the pipeline. Streams of another rhythm: make another "
            "pipeline.");
      }
    };
    judge(FieldAt(resource_.fields, "defaults"), "defaults");
    const Json streams = FieldAt(resource_.fields, "streams");
    for (std::size_t i = 0; i < streams.size(); ++i) {
      judge(streams[i], fmt::format("streams[{}]", i));
    }
    const Json limits = FieldAt(resource_.fields, "limits");
    if (!limits.is_object()) return;
    for (const auto& [key, value] : limits.items()) {
      if (key == "memory_mb" || key == "disk_mb") continue;
      Add("limits." + ShownName(key), "is no limit that can be set here",
          "These are: memory_mb, disk_mb.");
    }
  }

  void JudgeAlert() {
    const std::string kind = Text("kind");
    if (kind != "webhook" && kind != "slack" && kind != "email") {
      return Add("kind", "is not webhook, slack or email", "Send one of these.");
    }
    const base::Secret* hidden = FindSecret(resource_, "url");
    const bool mail = kind == "email";
    const std::string field = mail ? "smtp_url" : "url";
    const std::string url = !mail && hidden != nullptr ? hidden->Reveal() : Text(field);
    if (url.empty()) return Add(field, "is missing", "Send the address that messages go to.");
    JudgeAddress(url, field, mail);
  }

  void JudgeAddress(const std::string& url, const std::string& field, bool mail) {
    const auto scheme = url.find("://");
    const std::string word = url.substr(0, scheme == std::string::npos ? 0 : scheme);
    const std::string shown = ShownAddress(url);
    const std::string host = HostOf(shown);
    // Plain text to this machine alone, where the operator allows it.
    const bool inside = InsideHost(host).has_value();
    const bool fits =
        mail ? word == "smtp" || word == "smtps" : word == "https" || (word == "http" && inside);
    if (!fits || host.empty() || !IsOneLine(url) || url.find_first_of(" \\") != std::string::npos) {
      return Add(
          field, mail ? "is not an smtps:// or smtp:// address" : "is not an https:// address",
          mail ? "Write smtps://mail.example.com, or smtp:// where the server knows STARTTLS."
               : "Write the whole address: https://example.com/hook");
    }
    if (url.find('@') < url.find('/', scheme + 3)) {
      return Add(field, "holds a user or a password", "Leave it out of the address.");
    }
    JudgeHost(host, field);
  }

  // "mail.example.com" of "smtps://mail.example.com:465".
  static std::string HostOf(std::string_view shown) {
    const auto scheme = shown.find("://");
    if (scheme == std::string_view::npos) return {};
    std::string_view host = shown.substr(scheme + 3);
    if (host.starts_with('[')) return std::string(host.substr(0, host.find(']') + 1));
    return std::string(host.substr(0, host.find(':')));
  }

  const Resource& resource_;
  const Tenant& tenant_;
  const OperatorRules& rules_;
  std::vector<FieldProblem>& problems_;
};

[[noreturn]] void RefusePath(std::string problem, std::string remedy) {
  throw Refused("destination", {{"path", std::move(problem), std::move(remedy)}});
}

bool LiesIn(const fs::path& path, const fs::path& folder) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end() && rest != path.end();
}

// None of what lies below `folder` on the way to `path` is a link, which could lead anywhere.
void RefuseLinks(const fs::path& folder, const fs::path& path) {
  fs::path at = folder;
  auto part = path.begin();
  std::advance(part, std::distance(folder.begin(), folder.end()));
  for (; part != path.end(); ++part) {
    at /= *part;
    std::error_code error;
    const auto status = fs::symlink_status(at, error);
    if (fs::is_symlink(status)) {
      RefusePath("leads through a symbolic link", "Name a folder or file that is none.");
    }
    if (fs::exists(status) && !fs::is_directory(status) && !fs::is_regular_file(status)) {
      RefusePath("leads to what is neither a file nor a folder", "Name another.");
    }
  }
}

fs::path WithoutLastSlash(fs::path path) {
  path = path.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

fs::path PathOf(std::string_view text, const fs::path& files, const OperatorRules& rules) {
  constexpr std::string_view kName = "Name a file or folder of your own: orders.duckdb";
  if (text.empty() || !IsOneLine(text) || text.find('\0') != std::string_view::npos) {
    RefusePath("is empty, or holds control characters", std::string(kName));
  }
  const fs::path path(text);
  if (std::find(path.begin(), path.end(), "..") != path.end() || text.starts_with('~')) {
    RefusePath("leads out of your folder (.. or ~)", std::string(kName));
  }
  if (path.is_relative()) {
    const fs::path folder = WithoutLastSlash(files);
    fs::path whole = WithoutLastSlash(folder / path);
    if (!LiesIn(whole, folder)) RefusePath("names your folder itself", std::string(kName));
    RefuseLinks(folder, whole);
    return whole;
  }
  fs::path whole = WithoutLastSlash(path);
  for (const fs::path& allowed : rules.allow_paths) {
    const fs::path folder = WithoutLastSlash(allowed);
    if (!LiesIn(whole, folder)) continue;
    RefuseLinks(folder, whole);
    return whole;
  }
  RefusePath("is a path of the server's that the operator has not allowed",
             fmt::format("{}. {}: --allow-path DIR.", kName, kAskOperator));
}

void AddUnsafe(const Resource& resource, const Tenant& tenant, const OperatorRules& rules,
               std::vector<FieldProblem>& problems) {
  Judge(resource, tenant, rules, problems).JudgeAll();
}

}  // namespace sluice::serve
