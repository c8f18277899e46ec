#include "http/curl_exchange.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/process_environment.h"
#include "base/small_file.h"
#include "base/system_certificates.h"
#include "http/proxy.h"
#include "http/request_guard.h"
#include "http/transport_error.h"

namespace sluice::http {
namespace {

// Every option here is known to libcurl 7.88, so a refusal can only be want of memory.
template <typename Value>
void Set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

long Number(CURL* easy, CURLINFO what) {
  long value = 0;
  curl_easy_getinfo(easy, what, &value);
  return value;
}

curl_off_t Moment(CURL* easy, CURLINFO what) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, what, &microseconds);
  return microseconds;
}

// Of what failed before the proxy had let us through: libcurl tells it in the words of the host.
TransportFailure ProxyKindOf(CURL* easy, CURLcode code) {
  const long status = Number(easy, CURLINFO_HTTP_CONNECTCODE);
  if (status == 407) return TransportFailure::kProxyPassword;
  if (status >= 500) return TransportFailure::kProxyGateway;
  if (status >= 300) return TransportFailure::kProxyRefused;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY: return TransportFailure::kProxyResolve;
    case CURLE_COULDNT_CONNECT: return TransportFailure::kProxyConnect;
    case CURLE_OPERATION_TIMEDOUT: return TransportFailure::kProxySilent;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CONNECT_ERROR: return TransportFailure::kProxyTls;
    default: return TransportFailure::kProxy;
  }
}

TransportFailure KindOf(CURL* easy, CURLcode code, bool behind_proxy) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY: return ProxyKindOf(easy, code);
    case CURLE_SSL_CACERT_BADFILE: return TransportFailure::kCaFile;
    case CURLE_OUT_OF_MEMORY: return TransportFailure::kNoMemory;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return TransportFailure::kProtocol;
    default: break;
  }
  if (behind_proxy) return ProxyKindOf(easy, code);
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return TransportFailure::kResolve;
    case CURLE_COULDNT_CONNECT: return TransportFailure::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return Moment(easy, CURLINFO_PRETRANSFER_TIME_T) == 0 ? TransportFailure::kConnectTimeout
                                                            : TransportFailure::kStalled;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return TransportFailure::kCertificate;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_USE_SSL_FAILED: return TransportFailure::kTls;
    case CURLE_WEIRD_SERVER_REPLY: return TransportFailure::kProtocol;
    default: return TransportFailure::kBroken;
  }
}

// AWS's are below 10 KB, of 100 headers.
constexpr std::size_t kHeaderBytesMax = 256 << 10;
// The text of a refusal, which is always collected.
constexpr std::uint64_t kErrorBytesMax = 1 << 20;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text;
}

void Append(CurlList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  // The head stays the same once the list has one.
  if (!list) list.reset(longer);
}

}  // namespace

void CurlExchange::SetMethod(CURL* easy) {
  const bool sends_body =
      !request_.body.empty() || request_.method == "POST" || request_.method == "PUT";
  if (sends_body) {
    Set(easy, CURLOPT_POST, 1L);
    Set(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
    Set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  if (request_.method == "HEAD") {
    Set(easy, CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET" && request_.method != "POST") {
    Set(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void CurlExchange::SetHeaders(CURL* easy) {
  CheckRequest(request_);
  headers_.reset();
  for (const Header& header : request_.headers) {
    Append(headers_, header.name + (header.value.empty() ? ";" : ": " + header.value));
  }
  // libcurl adds these by itself: the first costs a round trip, the second names a type that was
  // not signed.
  Append(headers_, "Expect:");
  const bool typed = std::any_of(request_.headers.begin(), request_.headers.end(),
                                 [](const Header& h) { return h.name == "Content-Type"; });
  if (!typed) Append(headers_, "Content-Type:");
  Set(easy, CURLOPT_HTTPHEADER, headers_.get());
}

void CurlExchange::Prepare(CURL* easy, const TransportOptions& options) {
  Set(easy, CURLOPT_URL, request_.url.c_str());
  Set(easy, CURLOPT_PATH_AS_IS, 1L);  // "." and ".." are parts of keys.
  Set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  Set(easy, CURLOPT_FOLLOWLOCATION, 0L);  // the keys would go along
  Set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(easy, CURLOPT_NOSIGNAL, 1L);
  Set(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // With a folder of certificates libcurl would read it again for every connection, and would trust
  // it beside the given file.
  const std::string authorities = options.ca_file ? *options.ca_file : base::SystemCertificates();
  Set(easy, CURLOPT_CAINFO, authorities.c_str());
  Set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  Set(easy, CURLOPT_BUFFERSIZE, 512L * 1024);
  const auto connect_timeout = request_.connect_timeout.value_or(options.connect_timeout);
  Set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  if (request_.direct) Set(easy, CURLOPT_NOPROXY, "*");
  Set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  Set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.stall_timeout.count()));
  Set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  Set(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(easy, CURLOPT_HEADERDATA, this);
  Set(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(easy, CURLOPT_WRITEDATA, this);
  SetMethod(easy);
  SetHeaders(easy);
}

std::size_t CurlExchange::OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& self = *static_cast<CurlExchange*>(user);
  try {
    self.TakeHeader({data, size * count});
    return size * count;
  } catch (...) {
    self.thrown_ = std::current_exception();
    return 0;
  }
}

std::size_t CurlExchange::OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto& self = *static_cast<CurlExchange*>(user);
  try {
    self.TakeBody({data, size * count});
    return size * count;
  } catch (...) {
    self.thrown_ = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

void CurlExchange::TakeHeader(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    throw Error(base::ErrorCode::kCorrupt, "the reply's headers are longer than they may be",
                "Check AWS_ENDPOINT_URL and any proxy on the way.", false);
  }
  if (line.starts_with("HTTP/")) {  // Also the second status line, after a 100.
    response_ = {};
    const auto space = line.find(' ');
    if (space != std::string_view::npos) {
      for (const char c : line.substr(space + 1, 3)) {
        if (c >= '0' && c <= '9') response_.status = response_.status * 10 + (c - '0');
      }
    }
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.push_back(
      {std::string(line.substr(0, colon)), std::string(Trim(line.substr(colon + 1)))});
}

// A body of many megabytes that grows by doubling is three times its size in memory for a moment.
void CurlExchange::ReserveBody() {
  const std::string* length = response_.Find("content-length");
  if (length == nullptr) return;
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
  if (error != std::errc() || bytes > request_.body_bytes_max) return;
  response_.body.reserve(static_cast<std::size_t>(bytes));
}

void CurlExchange::TakeBody(std::string_view bytes) {
  if (call_.stop.stop_requested()) base::ThrowCancelled(request_.operation, request_.subject);
  if (request_.on_body && response_.ok()) {
    request_.on_body(response_, std::as_bytes(std::span(bytes.data(), bytes.size())));
    return;
  }
  const std::uint64_t bytes_max =
      response_.ok() ? request_.body_bytes_max : std::min(request_.body_bytes_max, kErrorBytesMax);
  if (response_.body.empty() && response_.ok()) ReserveBody();
  if (bytes.size() > bytes_max - response_.body.size()) {
    throw Error(base::ErrorCode::kCorrupt, "the reply is longer than it may be",
                "Check that nothing else writes below the staging prefix, and AWS_ENDPOINT_URL.",
                false);
  }
  response_.body.append(bytes);
}

base::Error CurlExchange::Error(base::ErrorCode code, std::string message, std::string remedy,
                                bool retryable) const {
  return base::Error({.code = code,
                      .operation = request_.operation,
                      .subject = request_.subject,
                      .message = std::move(message),
                      .remedy = std::move(remedy),
                      .retryable = retryable});
}

std::string CurlExchange::Host() const {
  const auto start = request_.url.find("://");
  if (start == std::string::npos) return request_.url;
  const auto end = request_.url.find_first_of("/?", start + 3);
  return request_.url.substr(start + 3, end == std::string::npos ? end : end - start - 3);
}

// The address is also what stands in a plain request to a proxy, so only a tunnel tells how far it
// came: until the proxy has let us through, whatever fails is its failure.
OnTheWay CurlExchange::Way(CURL* easy, CURLcode code) const {
  OnTheWay way{.host = Host(),
               .detail = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code),
               .proxy = {},
               .proxy_status = static_cast<int>(Number(easy, CURLINFO_HTTP_CONNECTCODE)),
               .address_from = request_.address_from};
  if (!request_.direct) way.proxy = ProxyFor(request_.url, base::ProcessEnvironment).value_or("");
  return way;
}

std::exception_ptr CurlExchange::ErrorOf(CURL* easy, CURLcode code) const {
  if (thrown_) return thrown_;
  if (code == CURLE_OK) return nullptr;
  if (std::string reason = base::OutOfFiles(); !reason.empty()) {
    return std::make_exception_ptr(base::Error(
        {.code = base::ErrorCode::kNoSpace,
         .operation = request_.operation,
         .subject = request_.subject,
         .message = std::move(reason),
         .remedy = "Raise the limit of open files for the user who runs Sluice: ulimit -n 4096. "
                   "Then run again.",
         .reason = "open_files"}));
  }
  const OnTheWay way = Way(easy, code);
  const bool tunnelled =
      way.proxy_status / 100 == 2 || Moment(easy, CURLINFO_APPCONNECT_TIME_T) != 0 ||
      (request_.url.starts_with("http://") && Moment(easy, CURLINFO_CONNECT_TIME_T) != 0);
  const bool behind_proxy = !way.proxy.empty() && !tunnelled;
  return std::make_exception_ptr(
      ToError(KindOf(easy, code, behind_proxy), request_.operation, request_.subject, way));
}

Result CurlExchange::ResultOf(CURL* easy, CURLcode code) {
  std::exception_ptr error = ErrorOf(easy, code);
  return {std::move(response_), std::move(error)};
}

void CurlExchange::Finish(Result result) {
  on_stop_.reset();
  on_done_(std::move(result));
}

void CurlExchange::Fail(std::exception_ptr error) { Finish({{}, std::move(error)}); }

}  // namespace sluice::http
