// A connection's bytes, in the clear or by TLS, as callbacks on the thread of an io_context. For
// server.cc alone: Asio's headers take seconds to compile.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "serve/http/tls_files.h"

namespace sluice::serve {

// Everything on the io_context's one thread. Each callback comes once, never from within the call.
class Socket {
 public:
  virtual ~Socket() = default;
  virtual void Handshake(std::function<void(bool done)> then) = 0;
  // 0: the other side is gone or done. REQUIRES: `into` lives until then.
  virtual void Read(char* into, std::size_t size, std::function<void(std::size_t bytes)> then) = 0;
  // All of `text`. REQUIRES: it lives until then.
  virtual void Write(std::string_view text, std::function<void(bool done)> then) = 0;
  // Tells the other side that nothing more comes; it may go on sending.
  virtual void EndWriting() = 0;
  // What is under way ends with 0 or false.
  virtual void Close() = 0;
};

// By TLS with that certificate, which lives as long as the socket; null: in the clear.
std::unique_ptr<Socket> MakeSocket(boost::asio::ip::tcp::socket socket,
                                   std::shared_ptr<TlsContext> tls);

}  // namespace sluice::serve
