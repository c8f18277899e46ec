// `sluice serve` and its words: the service for several customers.
#include <fmt/format.h>

#include "cli/command_table.h"
#include "cli/process.h"
#include "cli/serve_options.h"
#include "contract/exit_code.h"
#include "contract/json_envelope.h"
#include "serve/service.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kFooter = R"(
The first start makes the folder of data, a key for the secrets in it, and prints a link
that signs an administrator in. It reads no configuration: what it knows came over its page
and its API (/api/v1/openapi.json). What tenants may not name, the operator allows here.

Examples:
  sluice serve                                       on this machine alone, port 8765
  sluice serve --data /var/lib/sluice --public-url https://sluice.example.com
  sluice serve --listen 0.0.0.0:8765 --tls-cert site.pem --tls-key site.key
  sluice serve token --name ci --scope read          another token, for the API)";

constexpr std::string_view kTokenFooter = R"(
Prints the token, this once. The service may be running meanwhile.

Examples:
  sluice serve token --name operator
  sluice serve token --name backend --scope tenant --tenant acme --days 365)";

void AddServe(Options& options, CommandLine& line) {
  serve::ServiceOptions& serve = line.serve;
  options.Add("--listen", serve.listen, "Where it listens (default 127.0.0.1:8765)")
      .Value("HOST:PORT");
  AddServeData(options, line);
  AddServeFile(options, "--tls-cert", serve.tls_certificate,
               "Certificate of the server and its chain, PEM");
  AddServeFile(options, "--tls-key", serve.tls_key, "Its key, PEM");
  options.Add("--public-url", serve.public_url, "How people reach it, behind a proxy").Value("URL");
  options.Add("--vendor", serve.vendor, "Whose service the form says it is").Value("NAME");
  options
      .Add("--allow-frame", serve.frame_origins,
           "Origin whose pages may embed the form, https://app.example.com")
      .Value("URL")
      .OneEach();
  AddServeRules(options, line);
  options.Add("--parallel-runs", serve.parallel_runs, "Syncs at one time (default 4)")
      .Value("NUMBER")
      .Range(1, 256);
}

// What to do next is what a person needs; a program gets its document at once, as there is no end.
std::string Welcome(const Context& context, const serve::Service& service) {
  const auto link = service.first_link();
  if (context.line.json) {
    contract::Json json = contract::Envelope("serve", contract::kDone);
    json["error"] = nullptr;
    json["url"] = service.url();
    json["link"] = link ? contract::Json(link->Reveal()) : contract::Json();
    return contract::Dump(json);
  }
  std::string text = fmt::format("Sluice serves {}\n", service.url());
  if (link) {
    text +=
        fmt::format("Sign in, this link works until its token is deleted:\n  {}\n", link->Reveal());
  }
  if (!service.made_key().empty()) {
    text += fmt::format(
        "The key of all secrets was made: {}\nKeep a copy of it, apart from the data.\n",
        service.made_key().string());
  }
  return text;
}

std::optional<int> RunServe(const Context& context) {
  RequireOpenFiles();
  serve::Service service(context.line.serve, context.environment, context.clock, context.log);
  service.Begin();
  context.out(Welcome(context, service));
  while (context.clock.Sleep(std::chrono::hours(1), context.stop)) continue;
  service.End();
  return contract::kDone;
}

void AddToken(Options& options, CommandLine& line) {
  serve::TokenRequest& token = line.token;
  AddServeData(options, line);
  token.scope = "admin";
  token.name = "command line";
  options.Add("--name", token.name, "What it is for").Value("NAME");
  options.Add("--scope", token.scope, "What it may do (default admin)")
      .OneOf({"admin", "tenant", "read"});
  options.Add("--tenant", token.tenant, "Whose it is, by name or id").Value("NAME");
  options.Add("--days", token.days, "How long it works (default: until it is deleted)")
      .Value("NUMBER")
      .Range(1, 3650);
}

std::optional<int> RunToken(const Context& context) {
  const base::Secret token =
      serve::MakeToken(context.line.serve, context.environment, context.clock, context.line.token);
  if (context.line.json) {
    contract::Json json = contract::Envelope("serve token", contract::kDone);
    json["error"] = nullptr;
    json["token"] = token.Reveal();
    context.out(contract::Dump(json));
  } else {
    context.out(token.Reveal() + "\n");
  }
  return contract::kDone;
}

}  // namespace

const CommandRow kServeCommand = {
    .name = "serve",
    .description = "Serve the page and the API, for several customers",
    .footer = kFooter,
    .command = Command::kServe,
    .add_options = AddServe,
    .before = RunServe};

const CommandRow kServeTokenCommand = {.name = "serve token",
                                       .description = "Make a token for the page or the API",
                                       .footer = kTokenFooter,
                                       .command = Command::kServeToken,
                                       .add_options = AddToken,
                                       .before = RunToken};

}  // namespace sluice::cli
