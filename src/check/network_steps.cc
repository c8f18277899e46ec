// How far the workgroup can be reached, without waking it.
#include <fmt/format.h>

#include "check/steps.h"

namespace sluice::check {
namespace {

using pq::ProbeOutcome;

std::string_view IdOf(ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::kNameNotFound: return "network.name_not_found";
    case ProbeOutcome::kNoRoute: return "network.no_route";
    case ProbeOutcome::kRefused: return "network.refused";
    case ProbeOutcome::kSilent: return "network.silent";
    case ProbeOutcome::kSaysNothing: return "network.no_answer";
    case ProbeOutcome::kNotPostgres: return "network.not_redshift";
    case ProbeOutcome::kTlsRefused: return "network.tls_refused";
    case ProbeOutcome::kRootsMissing: return "network.roots_missing";
    case ProbeOutcome::kTlsFailed: return "network.tls_failed";
    case ProbeOutcome::kNameDiffers: return "network.certificate_name";
    case ProbeOutcome::kExpired: return "network.certificate_expired";
    case ProbeOutcome::kNotTrusted: return "network.certificate_untrusted";
    case ProbeOutcome::kOk: return "network.ok";
  }
  return "network.tls_failed";
}

std::string Seen(const pq::ProbeResult& probe, const std::string& at) {
  const std::string detail = probe.detail.empty() ? "" : " (" + probe.detail + ")";
  switch (probe.outcome) {
    case ProbeOutcome::kNameNotFound: return "the name cannot be looked up" + detail;
    case ProbeOutcome::kNoRoute: return fmt::format("no way to {}{}", at, detail);
    case ProbeOutcome::kRefused: return fmt::format("{} refused the connection", at);
    case ProbeOutcome::kSilent: return fmt::format("{} did not answer the connection", at);
    case ProbeOutcome::kSaysNothing:
      return fmt::format("{} took the connection, but did not answer{}", at, detail);
    case ProbeOutcome::kNotPostgres: return fmt::format("{} answered in another protocol", at);
    case ProbeOutcome::kTlsRefused: return fmt::format("{} does not offer TLS", at);
    case ProbeOutcome::kRootsMissing: return "the trusted certificates cannot be read" + detail;
    case ProbeOutcome::kTlsFailed: return fmt::format("TLS with {} failed{}", at, detail);
    case ProbeOutcome::kNameDiffers:
      return fmt::format("{} shows a certificate for {}", at, Joined(probe.names, "nobody"));
    case ProbeOutcome::kExpired:
      return fmt::format("{} shows a certificate valid until {}", at, probe.valid_until);
    case ProbeOutcome::kNotTrusted:
      return fmt::format("{} shows a certificate that is not trusted{}", at, detail);
    case ProbeOutcome::kOk: break;
  }
  return fmt::format("{} answers, {}, certificate verified", at, probe.tls_version);
}

// What AWS itself says of the workgroup, if we may ask.
std::string AccordingToAws(Checker& checker) {
  if (!checker.parts.describe_workgroup || !checker.caller) return {};
  try {
    const auto found = checker.parts.describe_workgroup(checker.NewCall());
    std::string text = fmt::format("; AWS says: endpoint {}:{}", found.host, found.port);
    if (found.publicly_accessible) {
      text += *found.publicly_accessible ? ", publicly accessible" : ", NOT publicly accessible";
    }
    return found.status == "AVAILABLE" ? text : text + ", status " + found.status;
  } catch (...) {
    return {};  // a courtesy; the failure to tell is the network's
  }
}

}  // namespace

void StartProbe(Checker& checker) {
  const base::Call call = checker.NewCall();
  checker.probing = std::async(
      std::launch::async, [&parts = checker.parts, call] { return parts.probe_network(call); });
}

void CheckNetwork(Checker& checker) {
  const auto probe = checker.probing.get();
  checker.probed = probe;
  const std::string at = probe.address.empty()
                             ? checker.options.endpoint.host
                             : fmt::format("{}:{}", probe.address, checker.options.port);
  std::string seen = Seen(probe, at);
  const bool reached = probe.outcome == ProbeOutcome::kOk;
  if (!reached) seen += AccordingToAws(checker);
  checker.Report(IdOf(probe.outcome), seen, reached ? "" : "host " + checker.options.endpoint.host);
}

}  // namespace sluice::check
