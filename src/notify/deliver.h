// One message to a web address or by e-mail, to where a stranger may have said. Any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/secret.h"
#include "http/transport.h"

namespace sluice::notify {

struct WebMessage {
  base::Secret url;  // the address often is the secret (Slack)
  std::vector<http::Header> headers;
  std::string body;  // JSON
};

enum class MailSecurity {
  kTls,        // from the first byte on (port 465)
  kStartTls,   // TLS, or nothing is sent (port 587)
  kIfOffered,  // in the clear where it offers none; for a server of one's own
};

struct Mail {
  std::string host;
  int port = 587;
  MailSecurity security = MailSecurity::kStartTls;
  std::string user;  // empty: no log-in
  base::Secret password;
  std::string from;  // addresses: "a@example.com"
  std::vector<std::string> to;
  std::string subject;
  std::string text;       // plain, UTF-8
  std::string id;         // unique: the Message-ID
  std::int64_t date = 0;  // seconds since 1970
};

struct DeliverOptions {
  std::chrono::seconds patience{15};
  // Also to addresses that are this machine's, its network's or nobody's (loopback, private,
  // link-local, shared): a name may stand for one of them, whatever was checked when it was
  // written.
  bool any_address = false;
  std::string ca_file;  // PEM; empty: the system's
};

// Empty: it was taken (2xx; 250). Else why not, one sentence without address, secret or what the
// other side said. Redirects are not followed. Certificates are always verified. Throws nothing.
std::string Deliver(const WebMessage& message, const DeliverOptions& options, std::stop_token stop);
std::string Deliver(const Mail& mail, const DeliverOptions& options, std::stop_token stop);

// Pure. The mail as it travels (RFC 5322): what would end a header in a subject or an address is
// left out; the text is in base64.
std::string MailText(const Mail& mail);

}  // namespace sluice::notify
