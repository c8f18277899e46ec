#include "cli/serve_options.h"

namespace sluice::cli {

Option AddServeFile(Options& options, const std::string& name, std::filesystem::path& target,
                    const std::string& description) {
  return options
      .Call(
          name, [&target](const std::string& text) { target = text; }, description)
      .Value("FILE");
}

void AddServeFolder(Options& options, CommandLine& line) {
  options
      .Call(
          "--data", [&line](const std::string& text) { line.serve.data = text; },
          "Where all of it is kept (default sluice-data)")
      .Value("PATH");
}

void AddServeData(Options& options, CommandLine& line) {
  AddServeFolder(options, line);
  AddServeFile(options, "--key-file", line.serve.key_file,
               "Key of the secrets (default service.key in the data, or $SLUICE_KEY)");
}

void AddServeRules(Options& options, CommandLine& line) {
  serve::ServiceOptions& serve = line.serve;
  options
      .Add("--allow-path", serve.allow_paths,
           "Folder that tenants' destinations may lie in, besides their own")
      .Value("PATH")
      .OneEach();
  options
      .Add("--allow-host", serve.allow_hosts,
           "Host of this machine or network that tenants may name")
      .Value("HOST")
      .OneEach();
  options
      .Add("--allow-endpoint", serve.allow_endpoints,
           "Address that tenants may name in place of one of AWS's")
      .Value("URL")
      .OneEach();
  options.Switch("--aws-environment", serve.aws_environment,
                 "Tenants may sign in to AWS as this machine, to assume their roles");
  AddServeFile(options, "--ca-bundle", serve.ca_bundle,
               "PEM file of authorities to trust, instead of the system's");
  options.Add("--run-memory-mb", serve.run_memory_mb, "Memory of a sync at most (default 400)")
      .Value("NUMBER")
      .Range(128, 1000000);
  options.Add("--run-disk-mb", serve.run_disk_mb, "Disk for a sync's parts at most (default 2048)")
      .Value("NUMBER")
      .Range(64, 100000000);
}

}  // namespace sluice::cli
