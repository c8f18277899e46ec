#include "serve/http/socket.h"

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "base/errno_error.h"
#include "base/error.h"

namespace sluice::serve {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using BoostError = boost::system::error_code;

class TlsContext {
 public:
  TlsContext() : context(asio::ssl::context::tls_server) {}
  asio::ssl::context context;
};

namespace {

class PlainSocket final : public Socket {
 public:
  explicit PlainSocket(Tcp::socket socket) : socket_(std::move(socket)) {}

  void Handshake(std::function<void(bool)> then) override {
    asio::post(socket_.get_executor(), [then = std::move(then)] { then(true); });
  }
  void Read(char* into, std::size_t size, std::function<void(std::size_t)> then) override {
    socket_.async_read_some(
        asio::buffer(into, size),
        [then = std::move(then)](BoostError error, std::size_t n) { then(error ? 0 : n); });
  }
  void Write(std::string_view text, std::function<void(bool)> then) override {
    asio::async_write(socket_, asio::buffer(text.data(), text.size()),
                      [then = std::move(then)](BoostError error, std::size_t) { then(!error); });
  }
  void EndWriting() override {
    BoostError ignored;
    socket_.shutdown(Tcp::socket::shutdown_send, ignored);
  }
  void Close() override {
    BoostError ignored;
    socket_.close(ignored);
  }

 private:
  Tcp::socket socket_;
};

class TlsSocket final : public Socket {
 public:
  TlsSocket(Tcp::socket socket, std::shared_ptr<TlsContext> tls)
      : tls_(std::move(tls)), stream_(std::move(socket), tls_->context) {}

  void Handshake(std::function<void(bool)> then) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [then = std::move(then)](BoostError error) { then(!error); });
  }
  void Read(char* into, std::size_t size, std::function<void(std::size_t)> then) override {
    stream_.async_read_some(
        asio::buffer(into, size),
        [then = std::move(then)](BoostError error, std::size_t n) { then(error ? 0 : n); });
  }
  void Write(std::string_view text, std::function<void(bool)> then) override {
    asio::async_write(stream_, asio::buffer(text.data(), text.size()),
                      [then = std::move(then)](BoostError error, std::size_t) { then(!error); });
  }
  // Each answer says where it ends, so that TLS need not say it again.
  void EndWriting() override {
    BoostError ignored;
    stream_.next_layer().shutdown(Tcp::socket::shutdown_send, ignored);
  }
  void Close() override {
    BoostError ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  const std::shared_ptr<TlsContext> tls_;
  asio::ssl::stream<Tcp::socket> stream_;
};

void RequireReadable(const std::filesystem::path& file) {
  if (access(file.c_str(), R_OK) == 0) return;
  const int number = errno;
  throw base::Error(
      {.code = base::CodeOf(base::FaultOf(number), base::ErrorCode::kInvalidConfig),
       .operation = "serve",
       .subject = file.string(),
       .message = "the file cannot be read: " + base::ErrnoText(number),
       .remedy = "Name files that this user may read after --tls-cert and --tls-key."});
}

[[noreturn]] void ThrowNotTls(const std::filesystem::path& file, const std::string& what,
                              const BoostError& error) {
  throw base::Error({.code = base::ErrorCode::kInvalidConfig,
                     .operation = "serve",
                     .subject = file.string(),
                     .message = "the file is not " + what,
                     .remedy =
                         "--tls-cert names a PEM file with the server's certificate and those "
                         "that signed it, --tls-key the PEM file of its key, without a password.",
                     .cause = error.message()});
}

}  // namespace

std::shared_ptr<TlsContext> ReadTlsFiles(const std::filesystem::path& certificate,
                                         const std::filesystem::path& key) {
  RequireReadable(certificate);
  RequireReadable(key);
  auto tls = std::make_shared<TlsContext>();
  tls->context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                           asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  BoostError error;
  // Never asks a terminal for a password.
  tls->context.set_password_callback(
      [](std::size_t, asio::ssl::context::password_purpose) { return std::string(); }, error);
  tls->context.use_certificate_chain_file(certificate.string(), error);
  if (error) ThrowNotTls(certificate, "a chain of certificates", error);
  tls->context.use_private_key_file(key.string(), asio::ssl::context::pem, error);
  if (error) ThrowNotTls(key, "the key of that certificate", error);
  return tls;
}

std::unique_ptr<Socket> MakeSocket(Tcp::socket socket, std::shared_ptr<TlsContext> tls) {
  if (tls == nullptr) return std::make_unique<PlainSocket>(std::move(socket));
  return std::make_unique<TlsSocket>(std::move(socket), std::move(tls));
}

}  // namespace sluice::serve
