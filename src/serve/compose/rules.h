// What a tenant may say over the API. A tenant is a stranger: what its configuration names is done
// by a process of the server's, in the server's network, with the server's files.
//
// Refused, whatever the operator allows: `${` in any text (references to files and variables), AWS
// profiles, credential_process, web identity token files, certificates and other files of the
// server, include, commands, sockets of the file system, schedules of single streams. Refused
// unless the operator allows it: the server's own AWS identity (--aws-environment); hosts that are
// this machine, its network or a name without a dot (--allow-host); addresses of AWS services
// (--allow-endpoint); paths outside of DATA/files/<tenant>/ (--allow-path).
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/base/resources.h"

namespace sluice::serve {

struct OperatorRules {
  std::vector<std::filesystem::path> allow_paths;  // absolute folders
  std::vector<std::string> allow_hosts;            // names or addresses, without port
  std::vector<std::string> allow_endpoints;        // "http://127.0.0.1:4566"
  bool aws_environment = false;
  // An administrator's call, or the command line's: any external ID is taken.
  bool admin = false;
  // The operator's own, in every child's configuration: PEM files of authorities.
  std::optional<std::filesystem::path> redshift_root_cert;
  std::optional<std::filesystem::path> postgres_root_cert;
  std::optional<std::filesystem::path> aws_ca_bundle;
  // Maxima and, where a pipeline says nothing, what holds.
  std::int64_t memory_mb_max = 400;
  std::int64_t disk_mb_max = 2048;
};

// nullopt: an outside host. Else why it is not: "is this machine", "is an address of a private
// network". Any spelling that the resolver takes for an address is one: 127.1, 0x7f000001,
// ::ffff:10.0.0.1. A name is judged by its form; what it resolves to is not asked.
std::optional<std::string> InsideHost(std::string_view host);

// The host may be reached.
bool AllowsHost(const OperatorRules& rules, std::string_view host);
// The address is one of --allow-endpoint: same scheme, host and port.
bool AllowsEndpoint(const OperatorRules& rules, std::string_view url);

// Where a destination's `path` lies: beneath `files` (the tenant's folder) if it is relative, or
// beneath a folder that the operator allows. Throws Refused, field "path": `..`, a symbolic link on
// the way, anything outside.
std::filesystem::path PathOf(std::string_view path, const std::filesystem::path& files,
                             const OperatorRules& rules);

// All rules above that concern what stands in `resource`, secrets included; not the configuration's
// own. Appends to `problems`.
void AddUnsafe(const Resource& resource, const Tenant& tenant, const OperatorRules& rules,
               std::vector<FieldProblem>& problems);

}  // namespace sluice::serve
