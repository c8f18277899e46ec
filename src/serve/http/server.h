// An HTTP/1.1 server: connections, limits, patience. It knows no resource and no right: `Handler`
// decides everything. Slow and greedy clients cost them alone: a header, a body and an answer have
// a time to be done in, and where connections are short the one that has waited longest without a
// request makes room.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "serve/http/message.h"
#include "serve/http/parser.h"

namespace sluice::serve {

struct ServerOptions {
  std::string address = "127.0.0.1";      // a name or number of this machine
  std::uint16_t port = 0;                 // 0: any free one
  std::filesystem::path tls_certificate;  // empty: in the clear
  std::filesystem::path tls_key;
  ParserLimits parser;
  std::size_t connections_max = 512;
  // Of one address; not for this machine's own, behind which a proxy stands.
  std::size_t connections_per_address_max = 64;
  std::size_t streams_max = 128;
  std::size_t streams_per_address_max = 16;  // as above
  std::chrono::milliseconds header_patience{10'000};
  std::chrono::milliseconds body_patience{20'000};
  std::chrono::milliseconds idle_patience{60'000};
  std::chrono::milliseconds write_patience{30'000};
  std::chrono::milliseconds end_patience{5'000};
  // Between looks whether the TLS files changed; they are read again at the second one.
  std::chrono::milliseconds tls_patience{500};
  std::size_t workers = 4;        // of what is answered at once
  std::size_t long_workers = 16;  // of what takes long (Reply::work)
};

class Server {
 public:
  // Listens, but answers nobody yet. Throws base::Error: kConflict if the port is taken,
  // kPermission if it may not be, kInvalidConfig if the address is none of this machine's or the
  // TLS files are not usable (kNotFound, kPermission if they cannot be read). REQUIRES: clock and
  // log outlive it.
  Server(const ServerOptions& options, Handler handler, const base::Clock& clock,
         base::Logger& log);
  // Ends.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Once.
  void Begin();
  // Takes nobody new, lets the answers under way end for `end_patience`, ends streams, joins. May
  // be called twice.
  void End();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::serve
