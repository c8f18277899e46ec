// How far a server of the PostgreSQL protocol can be reached, up to and including TLS, and no
// further: no log-in is begun, so a workgroup that sleeps is not woken and nothing is billed.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sluice::pq {

// How far it came. In the order in which they are met.
enum class ProbeOutcome {
  kNameNotFound,
  kNoRoute,       // the system has no path to the address, or this process may not connect there
                  // (reach.h)
  kRefused,       // something answered that nobody listens there
  kSilent,        // nothing answered the connection: a firewall drops it
  kSaysNothing,   // connected, but the server answered nothing, or hung up
  kNotPostgres,   // connected, and the answer is of another protocol
  kTlsRefused,    // the server has no TLS
  kRootsMissing,  // the file of trusted certificates cannot be read: ours, not the server's
  kTlsFailed,     // the handshake broke for another reason
  kNameDiffers,   // the certificate is for other names
  kExpired,       // of the certificate, by our clock; or not valid yet
  kNotTrusted,    // no trusted authority signed it
  kOk,
};

struct ProbeOptions {
  std::string host;
  int port = 0;
  std::string roots_file;  // PEM
  // For all addresses together. Somebody waits for it, and what has not answered a connection
  // within a few seconds will not.
  std::chrono::milliseconds patience{8000};
};

struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::kNameNotFound;
  std::vector<std::string> addresses;  // what the name stands for
  std::string address;                 // the one that came farthest
  std::string local_address;           // ours on the way there; empty if there is no way
  std::string tls_version;             // "TLSv1.3" if kOk
  std::vector<std::string> names;      // of the certificate, if it was shown
  std::string valid_until;             // of the certificate: "Jan  1 00:00:00 2027 GMT"
  std::string detail;                  // the system's or OpenSSL's own words
};

// Tries the addresses in turn until one gets through. Blocks; the look-up of the name may outlast
// the patience by the resolver's own time-out. Throws kCancelled if `call` is stopped.
ProbeResult Probe(const ProbeOptions& options, const base::Clock& clock, const base::Call& call);

}  // namespace sluice::pq
