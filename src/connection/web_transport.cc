#include "connection/connection.h"
#include "http/transport.h"

namespace sluice::connection {

std::unique_ptr<http::Transport> MakeTransport(const base::Clock& clock) {
  return http::MakeCurlTransport({}, clock);
}

}  // namespace sluice::connection
