#include "aws/transport.h"

#include <algorithm>
#include <future>

namespace sluice::aws {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

}  // namespace

const std::string* HttpResponse::Find(std::string_view name) const {
  const auto it = std::find_if(headers.begin(), headers.end(), [&](const HttpHeader& header) {
    return SameName(header.name, name);
  });
  return it == headers.end() ? nullptr : &it->value;
}

HttpResponse HttpTransport::Send(HttpRequest request, const base::Call& call) {
  // Shared, because the promise is still being left by the transport's thread when get() returns.
  const auto done = std::make_shared<std::promise<HttpResult>>();
  std::future<HttpResult> result = done->get_future();
  Start(std::move(request), call, [done](HttpResult r) { done->set_value(std::move(r)); });
  HttpResult got = result.get();
  if (got.error) std::rethrow_exception(got.error);
  return std::move(got.response);
}

}  // namespace sluice::aws
