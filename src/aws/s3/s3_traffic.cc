#include "aws/s3/s3_traffic.h"

#include <string_view>

#include "http/transport_error.h"

namespace sluice::aws {
namespace {

enum class Price { kPut, kGet, kFree };

// Whether the query has a parameter of that name.
bool Asks(std::string_view url, std::string_view name) {
  auto at = url.find('?');
  while (at != std::string_view::npos) {
    std::string_view rest = url.substr(at + 1);
    if (rest.starts_with(name)) {
      rest.remove_prefix(name.size());
      if (rest.empty() || rest.front() == '=' || rest.front() == '&') return true;
    }
    at = url.find('&', at + 1);
  }
  return false;
}

// DELETE is free; that DeleteObjects, a POST, is free as well is assumed.
Price PriceOf(std::string_view method, std::string_view url) {
  if (method == "DELETE") return Price::kFree;
  if (method == "POST") return Asks(url, "delete") ? Price::kFree : Price::kPut;
  if (method == "PUT") return Price::kPut;
  const bool lists = method == "GET" && (Asks(url, "list-type") || Asks(url, "uploads"));
  return lists ? Price::kPut : Price::kGet;
}

// Somebody did not wait for its answer.
bool WasSent(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const base::Error& ended) {
    return ended.info().reason == http::kSent;
  } catch (...) {
    return false;
  }
}

}  // namespace

void S3Traffic::Count(const http::Exchange& exchange) {
  if (exchange.response.status == 0 && !WasSent(exchange.error)) return;
  const Price price = PriceOf(exchange.method, exchange.url);
  const bool moves = exchange.response.ok();
  const std::lock_guard lock(mu_);
  switch (price) {
    case Price::kPut: ++requests_.put; break;
    case Price::kGet: ++requests_.get; break;
    case Price::kFree: ++requests_.free; break;
  }
  if (!moves) return;
  if (price == Price::kGet) bytes_moved_ += exchange.bytes_received;
  if (exchange.method == "PUT") bytes_moved_ += exchange.bytes_sent;
}

model::S3Requests S3Traffic::requests() const {
  const std::lock_guard lock(mu_);
  return requests_;
}

std::uint64_t S3Traffic::bytes_moved() const {
  const std::lock_guard lock(mu_);
  return bytes_moved_;
}

}  // namespace sluice::aws
