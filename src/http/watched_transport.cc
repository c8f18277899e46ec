#include "http/watched_transport.h"

#include <memory>
#include <utility>

namespace sluice::http {
namespace {

struct UnderWay {
  std::string method;
  std::string url;
  std::string operation;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;  // by on_body; of one exchange, so of one thread at a time
  base::UtcTime began;
  base::SteadyTime began_steady;
};

}  // namespace

void WatchedTransport::Start(Request request, const base::Call& call,
                             std::function<void(Result)> on_done) {
  const auto exchange = std::make_shared<UnderWay>(UnderWay{.method = request.method,
                                                            .url = request.url,
                                                            .operation = request.operation,
                                                            .bytes_sent = request.body.size(),
                                                            .began = clock_.Utc(),
                                                            .began_steady = clock_.Steady()});
  if (request.on_body) {
    request.on_body = [exchange, take = std::move(request.on_body)](
                          const Response& head, std::span<const std::byte> bytes) {
      exchange->bytes_received += bytes.size();
      take(head, bytes);
    };
  }
  inner_.Start(std::move(request), call,
               [this, exchange, done = std::move(on_done)](Result result) {
                 watch_({.method = exchange->method,
                         .url = exchange->url,
                         .operation = exchange->operation,
                         .bytes_sent = exchange->bytes_sent,
                         .response = result.response,
                         .bytes_received = exchange->bytes_received + result.response.body.size(),
                         .error = result.error,
                         .began = exchange->began,
                         .duration = clock_.Steady() - exchange->began_steady});
                 done(std::move(result));
               });
}

}  // namespace sluice::http
