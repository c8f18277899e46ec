// What PostgreSQL says of a failure: any text is an error with a code, and shows no row's value.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "destinations/postgres/server_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::destinations::postgres;
  if (size < 5) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 5, size - 5);
  const std::string half = text.substr(0, text.size() / 2);
  const sluice::pq::ServerMessage message{
      .severity = "ERROR",
      .sqlstate = std::string(reinterpret_cast<const char*>(data), 5),
      .message = half,
      .detail = text.substr(text.size() / 2),
      .column = half.substr(0, 20)};
  StatementFailure(message, {.operation = "load", .subject = "table t"});
  LoginFailure(text, (data[0] & 1) != 0, {.operation = "log in"});
  return 0;
}
