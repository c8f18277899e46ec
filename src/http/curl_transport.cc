
#include <algorithm>
#include <memory>
#include <vector>

#include "base/small_file.h"
#include "http/curl_loop.h"
#include "http/transport.h"
#include "http/transport_error.h"

namespace sluice::http {
namespace {

// Once in the process, before any handle: libcurl's own first use is not safe among threads in
// every build. Never undone, as another library in the process may still use it.
void InitializeCurl() {
  static const CURLcode kResult = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kResult != CURLE_OK) {
    throw base::Error({.code = base::ErrorCode::kInternal,
                       .operation = "start libcurl",
                       .message = curl_easy_strerror(kResult),
                       .remedy = "Check the installation of libcurl and OpenSSL."});
  }
}

class CurlTransport final : public Transport {
 public:
  CurlTransport(TransportOptions options, const base::Clock& clock) : options_(std::move(options)) {
    const int connections = std::max(options_.connections_max, 1);
    const int threads = std::clamp(options_.threads, 1, connections);
    for (int i = 0; i < threads; ++i) {
      const int share = connections / threads + (i < connections % threads ? 1 : 0);
      loops_.push_back(std::make_unique<CurlLoop>(options_, share, clock));
    }
  }

  void Start(Request request, const base::Call& call,
             std::function<void(Result)> on_done) override {
    CurlLoop& least =
        **std::min_element(loops_.begin(), loops_.end(),
                           [](const auto& a, const auto& b) { return a->load() < b->load(); });
    least.Submit(std::make_unique<CurlExchange>(std::move(request), call, std::move(on_done)));
  }

 private:
  const TransportOptions options_;
  std::vector<std::unique_ptr<CurlLoop>> loops_;
};

}  // namespace

// A machine's whole list of authorities is 250 KB.
constexpr std::size_t kCaBytesMax = 16 << 20;

std::unique_ptr<Transport> MakeCurlTransport(const TransportOptions& options,
                                             const base::Clock& clock) {
  InitializeCurl();
  // Read here first: libcurl would wait for a pipe, or read a device, without an end.
  if (options.ca_file) {
    const base::SmallFile file = base::ReadSmallFile(*options.ca_file, kCaBytesMax);
    if (!file.problem.empty()) {
      throw ToError(TransportFailure::kCaFile, "prepare connections to AWS",
                    "CA file " + *options.ca_file,
                    {.host = {}, .detail = "it " + file.problem, .proxy = {}, .address_from = {}});
    }
  }
  return std::make_unique<CurlTransport>(options, clock);
}

}  // namespace sluice::http
