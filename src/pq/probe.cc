#include "pq/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/descriptor.h"
#include "base/error.h"
#include "pq/reach.h"
#include "pq/waiter.h"

namespace sluice::pq {
namespace {

// SSLRequest: length 8, code 80877103. Format, do not change.
// https://www.postgresql.org/docs/15/protocol-message-formats.html
constexpr unsigned char kSslRequest[8] = {0, 0, 0, 8, 4, 210, 22, 47};

using base::Descriptor;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;
using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

std::string Numeric(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST] = "";
  if (getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return text;
}

// Ours on the way to `address`: what the routing table answers; nothing is sent.
std::string LocalAddress(const addrinfo& address) {
  const Descriptor datagrams(socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (datagrams.get() < 0) return {};
  if (connect(datagrams.get(), address.ai_addr, address.ai_addrlen) != 0) return {};
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  auto* const pointer = reinterpret_cast<sockaddr*>(&own);
  if (getsockname(datagrams.get(), pointer, &length) != 0) return {};
  return Numeric(pointer, length);
}

std::string OpenSslText() {
  const unsigned long code = ERR_get_error();
  if (code == 0) return {};
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "" : reason;
}

bool IsAddress(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> names;
  auto* const found = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> owner(found,
                                                                            GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(found, i);
    if (name->type != GEN_DNS) continue;
    const auto* const text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return names;
}

std::string EndOf(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out || ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate)) != 1) return {};
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

ProbeOutcome Judge(long verified) {
  switch (verified) {
    case X509_V_OK: return ProbeOutcome::kTlsFailed;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return ProbeOutcome::kNameDiffers;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return ProbeOutcome::kExpired;
    default: return ProbeOutcome::kNotTrusted;
  }
}

// Keeps the server's certificate, which OpenSSL forgets if we refuse it, in the SSL's app data.
int KeepCertificate(int accepted, X509_STORE_CTX* store) {
  const auto* const tls =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const kept = static_cast<Certificate*>(SSL_get_app_data(tls));
  X509* const shown = X509_STORE_CTX_get0_cert(store);
  if (shown != nullptr && X509_up_ref(shown) == 1) kept->reset(shown);
  return accepted;
}

// One address, from the connection to the end of the handshake.
class Attempt {
 public:
  Attempt(const ProbeOptions& options, const addrinfo& address, const base::Deadline& deadline,
          const base::Clock& clock, const base::Call& call)
      : options_(options),
        address_(address),
        deadline_(deadline),
        clock_(clock),
        waiter_(call.stop),
        socket_(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

  ProbeOutcome Run(ProbeResult& result) {
    if (const auto failed = Connect(result)) return *failed;
    if (const auto failed = AskForTls(result)) return *failed;
    return Handshake(result);
  }

 private:
  // False: the time is over.
  bool Wait(Direction direction) const {
    switch (waiter_.Wait(socket_.get(), direction, deadline_, clock_)) {
      case Ready::kSocket: return true;
      case Ready::kExpired: return false;
      case Ready::kStopped: base::ThrowCancelled("reach the workgroup", "host " + options_.host);
    }
    return false;
  }

  std::optional<ProbeOutcome> Connect(ProbeResult& result) const {
    int error = 0;
    if (socket_.get() < 0) error = errno;
    if (error == 0 && connect(socket_.get(), address_.ai_addr, address_.ai_addrlen) != 0) {
      error = errno;
    }
    if (error == EINPROGRESS) {
      if (!Wait(Direction::kWrite)) return ProbeOutcome::kSilent;
      socklen_t length = sizeof error;
      getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (error == 0) return std::nullopt;
    result.detail = std::strerror(error);
    if (error == ECONNREFUSED) return ProbeOutcome::kRefused;
    return error == ETIMEDOUT ? ProbeOutcome::kSilent : ProbeOutcome::kNoRoute;
  }

  std::optional<ProbeOutcome> AskForTls(ProbeResult& result) const {
    // A connection that was just made takes eight bytes.
    if (send(socket_.get(), kSslRequest, sizeof kSslRequest, MSG_NOSIGNAL) !=
        static_cast<ssize_t>(sizeof kSslRequest)) {
      result.detail = std::strerror(errno);
      return ProbeOutcome::kSaysNothing;
    }
    if (!Wait(Direction::kRead)) return ProbeOutcome::kSaysNothing;
    char answer = 0;
    // One byte only: what follows belongs to TLS.
    const ssize_t count = recv(socket_.get(), &answer, 1, 0);
    if (count <= 0) {
      result.detail = count == 0 ? "it hung up" : std::strerror(errno);
      return ProbeOutcome::kSaysNothing;
    }
    if (answer == 'S') return std::nullopt;
    return answer == 'N' ? ProbeOutcome::kTlsRefused : ProbeOutcome::kNotPostgres;
  }

  ProbeOutcome Handshake(ProbeResult& result) const {
    const Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    ERR_clear_error();
    if (!context || SSL_CTX_load_verify_file(context.get(), options_.roots_file.c_str()) != 1) {
      result.detail = OpenSslText();
      return ProbeOutcome::kRootsMissing;
    }
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, KeepCertificate);
    Certificate certificate(nullptr, X509_free);
    const Tls tls(SSL_new(context.get()), SSL_free);
    if (!tls || SSL_set_fd(tls.get(), socket_.get()) != 1) return ProbeOutcome::kTlsFailed;
    SSL_set_app_data(tls.get(), &certificate);
    if (IsAddress(options_.host)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), options_.host.c_str());
    } else {
      SSL_set1_host(tls.get(), options_.host.c_str());
      SSL_set_tlsext_host_name(tls.get(), options_.host.c_str());
    }
    const ProbeOutcome outcome = Shake(tls.get(), result);
    if (certificate) {
      result.names = NamesOf(certificate.get());
      result.valid_until = EndOf(certificate.get());
    }
    return outcome;
  }

  ProbeOutcome Shake(SSL* tls, ProbeResult& result) const {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_connect(tls);
      if (done == 1) {
        result.tls_version = SSL_get_version(tls);
        return ProbeOutcome::kOk;
      }
      const int wanted = SSL_get_error(tls, done);
      if (wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE) {
        if (Wait(wanted == SSL_ERROR_WANT_READ ? Direction::kRead : Direction::kWrite)) continue;
        result.detail = "it did not end in time";
        return ProbeOutcome::kTlsFailed;
      }
      const long verified = SSL_get_verify_result(tls);
      result.detail =
          verified == X509_V_OK ? OpenSslText() : X509_verify_cert_error_string(verified);
      return Judge(verified);
    }
  }

  const ProbeOptions& options_;
  const addrinfo& address_;
  const base::Deadline& deadline_;
  const base::Clock& clock_;
  const Waiter waiter_;
  const Descriptor socket_;
};

Addresses LookUp(const ProbeOptions& options, std::string& detail) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (error != 0) {
    detail = gai_strerror(error);
    found = nullptr;
  }
  return {found, freeaddrinfo};
}

// OpenSSL writes to a socket without MSG_NOSIGNAL, so a server that hangs up would end the program
// with SIGPIPE: it is kept from this thread, and one that came meanwhile is taken away.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    const timespec now{};
    if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
};

}  // namespace

ProbeResult Probe(const ProbeOptions& options, const base::Clock& clock, const base::Call& call) {
  const WithoutSigpipe quiet;
  ProbeResult best;
  const Addresses found = LookUp(options, best.detail);
  if (std::string why = WhyRefused(OwnReach(), options.host, found.get()); !why.empty()) {
    best.outcome = ProbeOutcome::kNoRoute;
    best.detail = std::move(why);
    return best;
  }
  std::vector<const addrinfo*> addresses;
  for (const addrinfo* a = found.get(); a != nullptr; a = a->ai_next) {
    addresses.push_back(a);
    best.addresses.push_back(Numeric(a->ai_addr, a->ai_addrlen));
  }
  const auto end = base::Deadline::After(clock, options.patience).Sooner(call.deadline);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // One that stays silent must leave the others their share.
    const auto share = end.Remaining(clock).value_or(options.patience) /
                       static_cast<std::int64_t>(addresses.size() - i);
    const auto deadline = base::Deadline::After(clock, share);
    ProbeResult result = {.addresses = best.addresses};
    Attempt attempt(options, *addresses[i], deadline, clock, call);
    result.outcome = attempt.Run(result);
    result.address = best.addresses[i];
    result.local_address = LocalAddress(*addresses[i]);
    if (i == 0 || result.outcome > best.outcome) best = std::move(result);
    if (best.outcome > ProbeOutcome::kSilent) break;
  }
  return best;
}

}  // namespace sluice::pq
