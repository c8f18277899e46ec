#include "notify/deliver.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/inside_address.h"
#include "base/process_environment.h"
#include "base/system_certificates.h"
#include "http/proxy.h"
#include "notify/signature.h"

namespace sluice::notify {
namespace {

struct EasyFree {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyFree>;
using List = std::unique_ptr<curl_slist, ListFree>;

void Append(List& list, const std::string& text) {
  curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

// Every option here is known to libcurl 7.88, so a refusal can only be want of memory.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

struct Watch {
  std::stop_token stop;
  bool refused = false;  // an address that is not public
};

curl_socket_t OpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& watch = *static_cast<Watch*>(user);
  if (base::WhyInside(address->addr)) {
    watch.refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Watch*>(user)->stop.stop_requested() ? 1 : 0;
}

std::size_t Drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

struct Reading {
  std::string_view left;
};
std::size_t Read(char* buffer, std::size_t size, std::size_t count, void* user) {
  std::string_view& left = static_cast<Reading*>(user)->left;
  const std::size_t taken = std::min(size * count, left.size());
  std::memcpy(buffer, left.data(), taken);
  left.remove_prefix(taken);
  return taken;
}

void SetCommon(CURL* easy, const DeliverOptions& options, Watch& watch, bool guarded) {
  constexpr long kMilliseconds = 1000;
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  Set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.patience.count()) * kMilliseconds);
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  Set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  Set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  Set(easy, CURLOPT_WRITEFUNCTION, &Drop);
  Set(easy, CURLOPT_NOPROGRESS, 0L);
  Set(easy, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(easy, CURLOPT_XFERINFODATA, &watch);
  // libcurl copies it.
  const std::string authorities =
      options.ca_file.empty() ? base::SystemCertificates() : options.ca_file;
  Set(easy, CURLOPT_CAINFO, authorities.c_str());
  if (!guarded) return;
  Set(easy, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  Set(easy, CURLOPT_OPENSOCKETDATA, &watch);
}

std::string Why(CURLcode code, const Watch& watch, std::chrono::seconds patience) {
  if (watch.stop.stop_requested()) return "it was stopped";
  if (watch.refused) {
    return "its name stands for an address of this machine or its network, which the operator does "
           "not allow (--allow-host)";
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "there is no host of that name";
    case CURLE_COULDNT_CONNECT: return "nobody answers there";
    case CURLE_OPERATION_TIMEDOUT:
      return fmt::format("it did not answer within {} s", patience.count());
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return "its certificate is not trusted, or is for another name";
    case CURLE_USE_SSL_FAILED: return "it offers no STARTTLS";
    case CURLE_SSL_CONNECT_ERROR: return "no TLS connection came about";
    case CURLE_LOGIN_DENIED: return "it does not accept the user or the password";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING: return "the connection broke";
    default: return curl_easy_strerror(code);
  }
}

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return line;
}

// RFC 2047, as base64 of UTF-8. One word is at most 75 characters: 45 bytes at a time, cut between
// characters.
std::string HeaderText(std::string_view text) {
  const std::string line = OneLine(text);
  constexpr std::size_t kWordBytes = 42;
  std::string words;
  for (std::string_view left = line; !left.empty();) {
    std::size_t count = std::min(kWordBytes, left.size());
    while (count < left.size() && count > 1 &&
           (static_cast<unsigned char>(left[count]) & 0xC0U) == 0x80U)
      --count;
    if (!words.empty()) words += "\r\n ";
    words += "=?UTF-8?B?" + Base64(left.substr(0, count)) + "?=";
    left.remove_prefix(count);
  }
  return words;
}

// What stands between < and >.
std::string Address(std::string_view address) {
  std::string text = OneLine(address);
  std::erase_if(text, [](char c) { return c == '<' || c == '>' || c == ' '; });
  return text;
}

std::string Wrapped(const std::string& text) {
  constexpr std::size_t kLine = 76;
  std::string lines;
  for (std::size_t at = 0; at < text.size(); at += kLine) lines += text.substr(at, kLine) + "\r\n";
  return lines;
}

std::string HostOfUrl(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto user = url.rfind('@');
  if (user != std::string_view::npos) url.remove_prefix(user + 1);
  return OneLine(url);
}

std::string Post(const WebMessage& message, const DeliverOptions& options, std::stop_token stop) {
  const Easy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  Watch watch{.stop = std::move(stop)};
  // A proxy has rules of its own, and may well be a neighbour.
  const bool guarded =
      !options.any_address && !http::ProxyFor(message.url.Reveal(), base::ProcessEnvironment);
  SetCommon(easy.get(), options, watch, guarded);
  List headers;
  Append(headers, "Content-Type: application/json");
  Append(headers, "User-Agent: sluice/" SLUICE_VERSION);
  Append(headers, "Expect:");
  for (const auto& [name, value] : message.headers) {
    Append(headers, OneLine(name) + ": " + OneLine(value));
  }
  Set(easy.get(), CURLOPT_URL, message.url.Reveal().c_str());
  Set(easy.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  Set(easy.get(), CURLOPT_POST, 1L);
  Set(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.body.size()));
  Set(easy.get(), CURLOPT_POSTFIELDS, message.body.c_str());
  const std::string host = HostOfUrl(message.url.Reveal());
  const CURLcode code = curl_easy_perform(easy.get());
  if (code != CURLE_OK) {
    return fmt::format("{} was not told: {}", host, Why(code, watch, options.patience));
  }
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return {};
  return fmt::format("{} answered with status {}", host, status);
}

std::string SendMail(const Mail& mail, const DeliverOptions& options, std::stop_token stop) {
  const Easy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  Watch watch{.stop = std::move(stop)};
  SetCommon(easy.get(), options, watch, !options.any_address);
  const bool tls = mail.security == MailSecurity::kTls;
  const bool six = mail.host.find(':') != std::string::npos && !mail.host.starts_with('[');
  const std::string host = six ? "[" + mail.host + "]" : mail.host;
  const std::string url = fmt::format("{}://{}:{}/", tls ? "smtps" : "smtp", host, mail.port);
  const std::string from = "<" + Address(mail.from) + ">";
  List to;
  for (const auto& one : mail.to) Append(to, "<" + Address(one) + ">");
  const std::string text = MailText(mail);
  Reading reading{text};
  Set(easy.get(), CURLOPT_URL, url.c_str());
  Set(easy.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  Set(easy.get(), CURLOPT_PROXY, "");
  Set(easy.get(), CURLOPT_USE_SSL,
      static_cast<long>(mail.security == MailSecurity::kIfOffered ? CURLUSESSL_TRY
                                                                  : CURLUSESSL_ALL));
  Set(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
  Set(easy.get(), CURLOPT_MAIL_RCPT, to.get());
  Set(easy.get(), CURLOPT_UPLOAD, 1L);
  Set(easy.get(), CURLOPT_READFUNCTION, &Read);
  Set(easy.get(), CURLOPT_READDATA, &reading);
  if (!mail.user.empty()) {
    Set(easy.get(), CURLOPT_USERNAME, mail.user.c_str());
    Set(easy.get(), CURLOPT_PASSWORD, mail.password.Reveal().c_str());
  }
  const CURLcode code = curl_easy_perform(easy.get());
  if (code == CURLE_OK) return {};
  long reply = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &reply);
  if (reply >= 400 && code != CURLE_LOGIN_DENIED) {
    return fmt::format("the mail server {} refused it with {}", OneLine(mail.host), reply);
  }
  return fmt::format("the mail server {} did not take it: {}", OneLine(mail.host),
                     Why(code, watch, options.patience));
}

}  // namespace

std::string MailText(const Mail& mail) {
  std::string to;
  for (const auto& one : mail.to) to += (to.empty() ? "<" : ",\r\n <") + Address(one) + ">";
  const std::time_t date = mail.date;
  std::tm utc{};
  gmtime_r(&date, &utc);
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string when =
      fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[utc.tm_wday], utc.tm_mday,
                  kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  const std::string from = Address(mail.from);
  const auto at = from.rfind('@');
  return fmt::format(
      "Date: {}\r\nFrom: <{}>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{}>\r\n"
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
      when, from, to, HeaderText(mail.subject), Address(mail.id),
      at == std::string::npos ? "sluice" : from.substr(at + 1), Wrapped(Base64(mail.text)));
}

std::string Deliver(const WebMessage& message, const DeliverOptions& options,
                    std::stop_token stop) {
  try {
    return Post(message, options, std::move(stop));
  } catch (const std::exception&) {
    return "there is too little memory to send it";
  }
}

std::string Deliver(const Mail& mail, const DeliverOptions& options, std::stop_token stop) {
  try {
    return SendMail(mail, options, std::move(stop));
  } catch (const std::exception&) {
    return "there is too little memory to send it";
  }
}

}  // namespace sluice::notify
