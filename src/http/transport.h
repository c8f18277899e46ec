// HTTP as the clients of AWS need it: many exchanges at a time, streamed bodies, one bounded set of
// connections. The doer beneath every one of them; libcurl implements it, fake_transport.h
// scripts it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace sluice::http {

struct Header {
  std::string name;
  std::string value;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;  // empty where on_body took it

  // The first header of that name, whatever its case; nullptr if there is none.
  const std::string* Find(std::string_view name) const;
  bool ok() const { return status >= 200 && status < 300; }
};

struct Request {
  std::string method = "GET";
  std::string url;              // complete and encoded; sent exactly so, dots and all
  std::vector<Header> headers;  // without Host and Content-Length
  std::string body;
  // Called for the body of a 2xx reply, on a thread of the transport, with `head` complete but for
  // the body: no copy is made in between. May throw base::Error, which ends the exchange with it.
  // Null: the body is collected. Bodies of other replies always are.
  std::function<void(const Response& head, std::span<const std::byte>)> on_body;
  // Of a collected body; longer is kCorrupt. A List page of 1000 long keys is below 2 MB.
  std::uint64_t body_bytes_max = 8ULL << 20;
  // Sent without any proxy: to link-local and loopback addresses, where none could answer for them.
  bool direct = false;
  std::optional<std::chrono::milliseconds> connect_timeout;  // else TransportOptions
  // What put the host in place of AWS's, for errors: "AWS_ENDPOINT_URL_S3"; empty: nothing did.
  std::string address_from;
  // What errors say was being done.
  std::string operation;
  std::string subject;
};

struct Result {
  Response response;
  std::exception_ptr error;  // base::Error: nobody answered, or not to the end; else null
};

// Thread-safe. It does not retry: it cannot know what may be repeated. A reply with an error
// status is a response, not an error. Errors: kUnreachable (name, connection, TLS, reset),
// kTimeout (deadline; connect or low-speed limit, then retryable), kCancelled, kCorrupt (body
// longer than allowed), kInternal.
class Transport {
 public:
  virtual ~Transport() = default;

  // Queues the exchange and returns at once. `on_done` is called exactly once, on a thread of the
  // transport, and must be quick; it may call Start.
  virtual void Start(Request request, const base::Call& call,
                     std::function<void(Result)> on_done) = 0;

  // Start, and wait for it. Throws the error. REQUIRES: not called on a thread of the transport.
  Response Send(Request request, const base::Call& call);
};

struct TransportOptions {
  // Connections in all, kept alive between exchanges; what exceeds it waits its turn. 16 filled a
  // 10 Gbit/s line of 8 MiB ranges; more only cost memory (512 KiB each).
  int connections_max = 16;
  // Threads that drive them. One core decrypts about 1 GB/s; two are enough for two.
  int threads = 2;
  // PEM file of the authorities to trust instead of the system's (AWS_CA_BUNDLE).
  std::optional<std::string> ca_file;
  std::chrono::milliseconds connect_timeout{10000};
  // An exchange that moves less than a byte a second for this long is given up (and is retryable).
  std::chrono::seconds stall_timeout{30};
  std::string user_agent = "sluice/" SLUICE_VERSION;
};

// HTTP/1.1 over libcurl, TLS 1.2 or newer with certificate and name always verified. Proxies are
// taken from HTTPS_PROXY and NO_PROXY, as libcurl does, and named in errors (without their
// passwords). Redirects are never followed: the request's keys would go along. A header with a
// control character is refused with kInvalidConfig. The destructor ends what is under way with
// kCancelled and waits for the callbacks; it must not run on a thread of the transport.
// Throws kInvalidConfig if the CA file cannot be read. REQUIRES: `clock` outlives it.
std::unique_ptr<Transport> MakeCurlTransport(const TransportOptions& options,
                                             const base::Clock& clock);

}  // namespace sluice::http
