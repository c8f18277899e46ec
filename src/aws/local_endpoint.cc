#include "aws/local_endpoint.h"

#include <algorithm>

#include "base/error.h"

namespace sluice::aws {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{1000};
constexpr std::chrono::milliseconds kAnswerTimeout{2000};
constexpr std::chrono::milliseconds kPause{100};
constexpr int kTriesMax = 2;

bool MayPass(const base::Error& error) {
  return error.code() == base::ErrorCode::kUnreachable || error.code() == base::ErrorCode::kTimeout;
}

}  // namespace

HttpResponse AskNearby(HttpRequest request, HttpTransport& transport, const base::Clock& clock,
                       const base::Call& call) {
  request.direct = true;
  request.connect_timeout = kConnectTimeout;
  request.body_bytes_max = 64 << 10;
  for (int tries = 1;; ++tries) {
    const bool last = tries == kTriesMax || call.deadline.Expired(clock);
    const base::Call limited{
        .deadline = call.deadline.Sooner(base::Deadline::After(clock, kAnswerTimeout)),
        .stop = call.stop};
    try {
      HttpResponse response = transport.Send(request, limited);
      if (response.status < 500 || last) return response;
    } catch (const base::Error& error) {
      if (last || !MayPass(error)) throw;
    }
    if (!clock.Sleep(kPause, call.stop)) base::ThrowCancelled(request.operation, request.subject);
  }
}

std::string_view AuthorityOf(std::string_view url) {
  const auto start = url.find("://");
  if (start == std::string_view::npos) return "";
  const std::string_view scheme = url.substr(0, start);
  if (scheme != "http" && scheme != "https") return "";
  const std::string_view rest = url.substr(start + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.find_first_of("@\\ ") == std::string_view::npos ? authority : "";
}

std::string_view HostOf(std::string_view url) {
  const std::string_view authority = AuthorityOf(url);
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    return end == std::string_view::npos ? "" : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool IsHeaderValue(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace sluice::aws
