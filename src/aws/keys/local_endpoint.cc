#include "aws/keys/local_endpoint.h"

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

http::Response AskNearby(http::Request request, http::Transport& transport,
                         const base::Clock& clock, const base::Call& call) {
  request.direct = true;
  request.connect_timeout = kConnectTimeout;
  request.body_bytes_max = 64 << 10;
  for (int tries = 1;; ++tries) {
    const bool last = tries == kTriesMax || call.deadline.Expired(clock);
    const base::Call limited{
        .deadline = call.deadline.Sooner(base::Deadline::After(clock, kAnswerTimeout)),
        .stop = call.stop};
    try {
      http::Response response = transport.Send(request, limited);
      if (response.status < 500 || last) return response;
    } catch (const base::Error& error) {
      if (last || !MayPass(error)) throw;
    }
    if (!clock.Sleep(kPause, call.stop)) base::ThrowCancelled(request.operation, request.subject);
  }
}

}  // namespace sluice::aws
