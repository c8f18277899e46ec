#include "http/transport.h"

#include <algorithm>
#include <future>

#include "base/text.h"

namespace sluice::http {

const std::string* Response::Find(std::string_view name) const {
  const auto it = std::find_if(headers.begin(), headers.end(), [&](const Header& header) {
    return base::EqualFolded(header.name, name);
  });
  return it == headers.end() ? nullptr : &it->value;
}

Response Transport::Send(Request request, const base::Call& call) {
  // Shared, because the promise is still being left by the transport's thread when get() returns.
  const auto done = std::make_shared<std::promise<Result>>();
  std::future<Result> result = done->get_future();
  Start(std::move(request), call, [done](Result r) { done->set_value(std::move(r)); });
  Result got = result.get();
  if (got.error) std::rethrow_exception(got.error);
  return std::move(got.response);
}

}  // namespace sluice::http
